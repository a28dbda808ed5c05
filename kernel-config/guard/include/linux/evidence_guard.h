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
#include <linux/blk_types.h>
#include <linux/types.h>

struct bio;
struct block_device;
struct boot_params;
struct gendisk;

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

/* Embedded in struct gendisk: no allocation that could fail. */
struct evidence_guard_disk {
	atomic_t	state;
	atomic64_t	refused;
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

#endif /* CONFIG_EVIDENCE_GUARD */

#endif /* _LINUX_EVIDENCE_GUARD_H */
