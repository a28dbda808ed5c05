/* SPDX-License-Identifier: GPL-2.0 */
/* What the command gates share: one command, judged, counted and told. */
#ifndef _EVIDENCE_GUARD_COMMAND_H
#define _EVIDENCE_GUARD_COMMAND_H

#include "guard.h"
#include "policy.h"

/**
 * struct guard_asking - who asks what of which device
 * @table: policy of the command set
 * @recorder: where the device's commands are counted
 * @disk: the disk, or NULL while there is none
 * @device: what the device is called while it has no disk
 * @by_driver: a driver of the kernel asks, not a program
 */
struct guard_asking {
	const struct guard_table *table;
	struct evidence_guard_recorder *recorder;
	struct gendisk *disk;
	const char *device;
	bool by_driver;
	bool writable;
};

/* command.c */
enum guard_answer guard_command(const struct guard_asking *asking,
				const struct guard_command *command);
void guard_refuse_command(const struct guard_asking *asking,
			  const struct guard_command *command);
bool guard_disk_writable(const struct gendisk *disk);

/* recorder.c */
#ifdef CONFIG_EVIDENCE_GUARD_RECORDER
void guard_count(struct evidence_guard_recorder *recorder,
		 const struct guard_table *table, int row, u8 opcode,
		 enum guard_answer answer);
void guard_uncount_sent(struct evidence_guard_recorder *recorder, int row);
#else
static inline void guard_count(struct evidence_guard_recorder *recorder,
			       const struct guard_table *table, int row,
			       u8 opcode, enum guard_answer answer) { }
static inline void guard_uncount_sent(struct evidence_guard_recorder *recorder,
				      int row) { }
#endif

#endif /* _EVIDENCE_GUARD_COMMAND_H */
