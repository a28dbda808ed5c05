/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What may reach a device, as data: one table per command set, a row per
 * command. What is on no row is refused.
 *
 * Nothing here knows of requests, drivers or disks, so that the tables and
 * the code that reads commands can be tested without any.
 */
#ifndef _EVIDENCE_GUARD_POLICY_H
#define _EVIDENCE_GUARD_POLICY_H

#include <linux/types.h>

enum guard_verdict {
	/* Named so that an auditor finds it; as good as not being there. */
	GUARD_REFUSE,
	/* Sent, whoever asks. */
	GUARD_PASS,
	/* Sent for a driver of the kernel; refused to a program. */
	GUARD_DRIVER,
	/* A write, a flush or a discard: sent to a writable disk only. */
	GUARD_WRITE,
	/*
	 * Asked by a driver: answered with success and not sent while the disk
	 * is blocked, for there is nothing that it could complete. Sent to a
	 * writable disk. Refused to a program while the disk is blocked.
	 */
	GUARD_ABSORB,
};

/* What kind of SCSI device a row is for: opcodes mean different things. */
#define GUARD_DISK	0x1
#define GUARD_CD	0x2
/* Any other type, and a device that has not yet said what it is. */
#define GUARD_OTHER	0x4
#define GUARD_ANY	(GUARD_DISK | GUARD_CD | GUARD_OTHER)

/* A row for all sub-codes that no row before it names. */
#define GUARD_ALL	0xffff

/**
 * struct guard_rule - one row
 * @opcode: first byte of the command, command register or feature identifier
 * @kinds: kinds of device that the row is for
 * @sub: what tells members of a family apart; the decoder of the set says what
 *	it is made of
 * @verdict: what becomes of the command
 * @name: its name, which is the title of the clause that defines it
 * @standard: the standard that has this clause
 * @reason: why the verdict is what it is
 */
struct guard_rule {
	u8 opcode;
	u8 kinds;
	u16 sub;
	enum guard_verdict verdict;
	const char *name;
	const char *standard;
	const char *reason;
};

/* A command as far as a verdict depends on it. */
struct guard_command {
	u8 opcode;
	u8 kind;
	u16 sub;
};

/* Rows are sorted by opcode; of one opcode, GUARD_ALL comes last. */
struct guard_table {
	const char *set;
	const struct guard_rule *rules;
	unsigned int count;
};

enum guard_answer {
	GUARD_SENT,
	GUARD_ABSORBED,
	GUARD_REFUSED,
	GUARD_ANSWERS,
};

extern const struct guard_table guard_scsi_table;
extern const struct guard_table guard_ata_table;
extern const struct guard_table guard_nvme_admin_table;
extern const struct guard_table guard_nvme_io_table;
extern const struct guard_table guard_mmc_table;
extern const struct guard_table guard_mmc_app_table;
extern const struct guard_table guard_ufs_table;
extern const struct guard_table guard_virtio_blk_table;
extern const struct guard_table guard_floppy_table;
extern const struct guard_table guard_tpm2_table;
extern const struct guard_table guard_tpm1_table;

/* policy.c */
extern const struct guard_table *const guard_tables[];
extern const unsigned int guard_table_count;
const char *guard_verdict_name(enum guard_verdict verdict);
int guard_find(const struct guard_table *table,
	       const struct guard_command *command);
enum guard_answer guard_judge(const struct guard_table *table, int row,
			      bool by_driver, bool writable);

/* policy_scsi.c */
struct guard_command guard_decode_scsi(const u8 *cdb, u8 device_type);
bool guard_scsi_is_ata(const u8 *cdb);

/* policy_ata.c */

/* The registers of a taskfile that verdicts depend on. */
struct guard_taskfile {
	u8 command;
	u8 feature;
	u8 count_high;	/* bits 15:8 of the count field */
	u8 lba_low;
	u8 lba_mid;
	u8 lba_high;
};

struct guard_command guard_decode_ata(const struct guard_taskfile *taskfile);
bool guard_ata_from_cdb(const u8 *cdb, struct guard_taskfile *taskfile);

/* policy_nvme.c: @dword is the command, as 16 little-endian words. */
struct guard_command guard_decode_nvme_admin(const __le32 *dword);
struct guard_command guard_decode_nvme_io(const __le32 *dword);

/* policy_mmc.c */
struct guard_command guard_decode_mmc(u32 opcode, u32 argument, bool has_data,
				      u8 partition_config);

/* policy_ufs.c */
struct guard_command guard_decode_ufs(u8 transaction, u8 query, u8 idn);

/* policy_tpm.c */
struct guard_command guard_decode_tpm(u32 code);

#endif /* _EVIDENCE_GUARD_POLICY_H */
