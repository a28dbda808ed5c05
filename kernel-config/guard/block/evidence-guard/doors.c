// SPDX-License-Identifier: GPL-2.0
/* Doors around the gates that programs find closed. */
#include <linux/errno.h>
#include "guard.h"

/**
 * evidence_guard_door - tells that somebody tried a closed door
 * @door: what it is called in the event
 *
 * Return: the errno to answer with, -EPERM.
 */
int evidence_guard_door(const char *door)
{
	guard_event(NULL, &(struct guard_event) {
		.kind = GUARD_EVENT_REFUSED, .op = door,
		.sector = GUARD_NO_SECTOR });
	return -EPERM;
}

/**
 * evidence_guard_reserves - may a program change reservations on this disk?
 * @bdev: disk or partition
 *
 * Not even on a destination: reservations outlive the session.
 */
bool evidence_guard_reserves(struct block_device *bdev)
{
	struct gendisk *disk = bdev->bd_disk;

	if (atomic_read(&disk->guard.state) == EVIDENCE_GUARD_VIRTUAL)
		return true;
	guard_refused(disk, "reservation", GUARD_NO_SECTOR, 0);
	return false;
}
