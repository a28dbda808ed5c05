// SPDX-License-Identifier: GPL-2.0
/* The gate of floppy drives: before a command's bytes go to the controller. */
#include "command.h"

#define DRIVES	8
/* Of the first byte of a command, what names it. */
#define COMMAND	0x1f

static struct evidence_guard_recorder recorders[DRIVES];

/**
 * evidence_guard_floppy - judges a command
 * @disks: the disks of a drive, one for each format it could hold
 * @count: how many
 * @drive: number of the drive
 * @first: first byte of the command
 */
bool evidence_guard_floppy(struct gendisk **disks, unsigned int count,
			   unsigned int drive, u8 first)
{
	struct guard_asking asking = {
		.table = &guard_floppy_table,
		.recorder = &recorders[drive % DRIVES],
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
		disks[i]->guard.recorder = asking.recorder;
		asking.disk = asking.disk ?: disks[i];
		if (guard_disk_writable(disks[i]))
			asking.writable = true;
	}
	return guard_command(&asking, &command) == GUARD_SENT;
}
