// SPDX-License-Identifier: GPL-2.0
/*
 * The early gates of the evidence guard: bios, opening for writing, and the
 * read-only mark. They tell programs and file systems at once, with a clear
 * error, that a disk is blocked.
 */
#include <linux/bio.h>
#include "guard.h"

static const struct {
	enum req_op op;
	const char *name;
} op_names[] = {
	{ REQ_OP_WRITE,		"write" },
	{ REQ_OP_FLUSH,		"flush" },
	{ REQ_OP_DISCARD,	"discard" },
	{ REQ_OP_SECURE_ERASE,	"secure-erase" },
	{ REQ_OP_ZONE_APPEND,	"zone-append" },
	{ REQ_OP_WRITE_ZEROES,	"write-zeroes" },
	{ REQ_OP_ZONE_OPEN,	"zone-open" },
	{ REQ_OP_ZONE_CLOSE,	"zone-close" },
	{ REQ_OP_ZONE_FINISH,	"zone-finish" },
	{ REQ_OP_ZONE_RESET,	"zone-reset" },
	{ REQ_OP_ZONE_RESET_ALL, "zone-reset-all" },
};

static const char *op_name(enum req_op op)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(op_names); i++)
		if (op_names[i].op == op)
			return op_names[i].name;
	return "unknown";
}

/**
 * evidence_guard_bio_passes - the bio gate
 * @bio: bio on its way to a driver
 * @status: where the bio does not pass, the status it ends with
 *
 * Only READ passes to a blocked disk; an operation that is not known does not.
 * An empty flush is absorbed as success: nothing was accepted since the disk
 * was blocked, and a destination is flushed before it goes back to blocked, so
 * there is nothing that a flush could make durable. Everything else ends with
 * an I/O error: "not supported" would be taken as success by discards.
 */
bool evidence_guard_bio_passes(struct bio *bio, blk_status_t *status)
{
	struct block_device *bdev = bio->bi_bdev;
	struct gendisk *disk = bdev->bd_disk;
	sector_t sector = bio->bi_iter.bi_sector;

	if (likely(bio_op(bio) == REQ_OP_READ))
		return true;
	if (!evidence_guard_blocks(&disk->guard))
		return true;

	if (bio_op(bio) == REQ_OP_WRITE && op_is_flush(bio->bi_opf) &&
	    !bio_sectors(bio)) {
		*status = BLK_STS_OK;
		return false;
	}

	if (!bio_flagged(bio, BIO_REMAPPED))
		sector += bdev->bd_start_sect;
	guard_refused(disk, op_name(bio_op(bio)), sector, bio->bi_iter.bi_size);
	*status = BLK_STS_IOERR;
	return false;
}

/**
 * evidence_guard_open - refuses to open a blocked disk for writing
 * @bdev: disk or partition
 * @for_writing: whether the opener asked for write access
 *
 * Called with the disk's open_mutex held, as state changes that depend on
 * nobody having the disk open are made.
 */
int evidence_guard_open(struct block_device *bdev, bool for_writing)
{
	struct gendisk *disk = bdev->bd_disk;

	if (!for_writing || !evidence_guard_blocks(&disk->guard))
		return 0;
	guard_refused(disk, "open-write", GUARD_NO_SECTOR, 0);
	return -EROFS;
}

/**
 * evidence_guard_roset - refuses to clear the read-only mark (BLKROSET 0)
 * @bdev: disk or partition
 * @read_only: what the mark shall become
 */
int evidence_guard_roset(struct block_device *bdev, bool read_only)
{
	struct gendisk *disk = bdev->bd_disk;

	if (read_only || !evidence_guard_blocks(&disk->guard))
		return 0;
	guard_refused(disk, "setrw", GUARD_NO_SECTOR, 0);
	return -EPERM;
}
