// SPDX-License-Identifier: GPL-2.0
/*
 * The gate of floppy drives: before the bytes of a command that moves data go
 * to the controller. Seeks and status go another way in the driver, so there
 * is no flight recorder of a floppy.
 */
#include "command.h"

/* Of the first byte of a command, what names it. */
#define COMMAND	0x1f

/**
 * evidence_guard_floppy - judges a command
 * @disks: the disks of a drive, one for each format it could hold
 * @count: how many
 * @first: first byte of the command
 */
bool evidence_guard_floppy(struct gendisk **disks, unsigned int count,
			   u8 first)
{
	struct guard_asking asking = {
		.table = &guard_floppy_table,
		.device = "floppy",
		.by_driver = true,
	};
	struct guard_command command = {
		.opcode = first & COMMAND, .kind = GUARD_ANY,
	};
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!disks[i])
			continue;
		asking.disk = asking.disk ?: disks[i];
		if (guard_disk_writable(disks[i]))
			asking.writable = true;
	}
	return guard_command(&asking, &command) == GUARD_SENT;
}
