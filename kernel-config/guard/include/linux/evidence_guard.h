/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Evidence guard: every disk is blocked from birth, in the kernel.
 *
 * This header is what the hook lines in the block layer see. The interface
 * to user space is described in
 * Documentation/ABI/testing/sysfs-block-evidence-guard.
 */
#ifndef _LINUX_EVIDENCE_GUARD_H
#define _LINUX_EVIDENCE_GUARD_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/blk_types.h>
#include <linux/types.h>

struct ata_queued_cmd;
struct bio;
struct block_device;
struct boot_params;
struct gendisk;
struct mmc_host;
struct mmc_ioc_cmd;
struct mmc_request;
struct nvme_command;
struct nvme_ctrl;
struct request;
struct scsi_cmnd;
struct scsi_device;
struct tpm_chip;
struct ufs_hba;
struct utp_upiu_req;

/*
 * EVIDENCE_GUARD_BLOCKED must be 0: a gendisk is allocated zeroed, so a disk
 * is blocked before any code has looked at it.
 */
enum evidence_guard_state {
	EVIDENCE_GUARD_BLOCKED = 0,
	EVIDENCE_GUARD_EVIDENCE,
	EVIDENCE_GUARD_WRITABLE,
	/* No hardware of its own: what lies below is guarded. */
	EVIDENCE_GUARD_VIRTUAL,
};

/* No policy table has more rows. */
#define EVIDENCE_GUARD_ROWS	160

/*
 * Flight recorder of one command set of one device: how many commands of each
 * kind were sent, absorbed and refused. Embedded in what the driver keeps of
 * the device from its discovery on, zeroed, so that no allocation can fail and
 * no command go unseen.
 */
struct evidence_guard_recorder {
	/* Further recorder of the same disk: another set, or a layer below. */
	struct evidence_guard_recorder	*next;
#ifdef CONFIG_EVIDENCE_GUARD_RECORDER
	const struct guard_table	*table;
	atomic64_t			count[EVIDENCE_GUARD_ROWS][3];
	/* Refused commands that are on no row, by opcode. */
	atomic64_t			unlisted[256];
	/* Rows, then EVIDENCE_GUARD_ROWS + opcode, as they first appeared. */
	u16				order[EVIDENCE_GUARD_ROWS + 256];
	unsigned int			used;
	DECLARE_BITMAP(seen, EVIDENCE_GUARD_ROWS + 256);
#endif
};

/* Embedded in struct gendisk: no allocation that could fail. */
struct evidence_guard_disk {
	atomic_t	state;
	atomic64_t	refused;
	struct evidence_guard_recorder *recorder;
};

#ifdef CONFIG_EVIDENCE_GUARD

/* A state that is none of the known ones blocks. */
static inline bool evidence_guard_blocks(const struct evidence_guard_disk *guard)
{
	int state = atomic_read(&guard->state);

	return state != EVIDENCE_GUARD_WRITABLE &&
	       state != EVIDENCE_GUARD_VIRTUAL;
}

extern const struct attribute_group evidence_guard_attr_group;

void evidence_guard_boot(char *command_line, struct boot_params *params);
void evidence_guard_born(struct gendisk *disk);
void evidence_guard_gone(struct gendisk *disk);
bool evidence_guard_bio_passes(struct bio *bio, blk_status_t *status);
int evidence_guard_open(struct block_device *bdev, bool for_writing);
int evidence_guard_roset(struct block_device *bdev, bool read_only);
bool evidence_guard_reserves(struct block_device *bdev);

/*
 * The command gates. Where one returns false, the command is not sent and its
 * answer is already in place.
 */
bool evidence_guard_scsi(struct scsi_cmnd *cmd);
void evidence_guard_scsi_unsent(struct scsi_cmnd *cmd);
void evidence_guard_scsi_sense(struct scsi_cmnd *cmd);
void evidence_guard_scsi_medium(struct scsi_device *sdev, u8 sense_key, u8 asc);
bool evidence_guard_ata(struct ata_queued_cmd *qc);
bool evidence_guard_nvme(struct nvme_ctrl *ctrl, struct request *req);
void evidence_guard_nvme_sent(struct nvme_ctrl *ctrl, struct request *req,
			      const struct nvme_command *cmd);
bool evidence_guard_mmc(struct mmc_host *host, struct mmc_request *mrq);
void evidence_guard_mmc_done(struct mmc_host *host, struct mmc_request *mrq);
bool evidence_guard_mmc_ioctl(struct mmc_host *host,
			      const struct mmc_ioc_cmd *ioc);
bool evidence_guard_ufs(struct ufs_hba *hba, const struct utp_upiu_req *upiu);
bool evidence_guard_virtio(struct request *req, u32 prepared_type);
bool evidence_guard_floppy(struct gendisk **disks, unsigned int count,
			   u8 first);
bool evidence_guard_tpm(struct tpm_chip *chip, u8 *buffer);
bool evidence_guard_host_ioctl(unsigned int cmd);
/* A door that nobody may go through; always -EPERM. */
int evidence_guard_door(const char *door);

#else /* CONFIG_EVIDENCE_GUARD */

static inline bool evidence_guard_blocks(const struct evidence_guard_disk *guard)
{
	return false;
}

static inline void evidence_guard_boot(char *command_line,
				       struct boot_params *params) { }

static inline void evidence_guard_born(struct gendisk *disk) { }
static inline void evidence_guard_gone(struct gendisk *disk) { }

static inline bool evidence_guard_bio_passes(struct bio *bio,
					     blk_status_t *status)
{
	return true;
}

static inline int evidence_guard_open(struct block_device *bdev,
				      bool for_writing)
{
	return 0;
}

static inline int evidence_guard_roset(struct block_device *bdev,
				       bool read_only)
{
	return 0;
}

static inline bool evidence_guard_reserves(struct block_device *bdev)
{
	return true;
}

static inline bool evidence_guard_scsi(struct scsi_cmnd *cmd)
{
	return true;
}

static inline void evidence_guard_scsi_unsent(struct scsi_cmnd *cmd) { }
static inline void evidence_guard_scsi_sense(struct scsi_cmnd *cmd) { }
static inline void evidence_guard_scsi_medium(struct scsi_device *sdev,
					      u8 sense_key, u8 asc) { }

static inline bool evidence_guard_ata(struct ata_queued_cmd *qc)
{
	return true;
}

static inline bool evidence_guard_nvme(struct nvme_ctrl *ctrl,
				       struct request *req)
{
	return true;
}

static inline void evidence_guard_nvme_sent(struct nvme_ctrl *ctrl,
					    struct request *req,
					    const struct nvme_command *cmd) { }

static inline bool evidence_guard_mmc(struct mmc_host *host,
				      struct mmc_request *mrq)
{
	return true;
}

static inline void evidence_guard_mmc_done(struct mmc_host *host,
					   struct mmc_request *mrq) { }

static inline bool evidence_guard_mmc_ioctl(struct mmc_host *host,
					    const struct mmc_ioc_cmd *ioc)
{
	return true;
}

static inline bool evidence_guard_ufs(struct ufs_hba *hba,
				      const struct utp_upiu_req *upiu)
{
	return true;
}

static inline bool evidence_guard_virtio(struct request *req, u32 prepared_type)
{
	return true;
}

static inline bool evidence_guard_floppy(struct gendisk **disks,
					 unsigned int count, u8 first)
{
	return true;
}

static inline bool evidence_guard_tpm(struct tpm_chip *chip, u8 *buffer)
{
	return true;
}

static inline bool evidence_guard_host_ioctl(unsigned int cmd)
{
	return true;
}

static inline int evidence_guard_door(const char *door)
{
	return 0;
}

#endif /* CONFIG_EVIDENCE_GUARD */

#endif /* _LINUX_EVIDENCE_GUARD_H */
