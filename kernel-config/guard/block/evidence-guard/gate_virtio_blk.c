// SPDX-License-Identifier: GPL-2.0
/* The gate of virtio block devices, which have no pass-through. */
#include <linux/blk-mq.h>
#include <linux/virtio_blk.h>
#include "command.h"

/* As virtblk_setup_cmd() will, but for what a caller has prepared. */
static u32 type_of(enum req_op op, u32 prepared)
{
	switch (op) {
	case REQ_OP_READ:
		return VIRTIO_BLK_T_IN;
	case REQ_OP_WRITE:
		return VIRTIO_BLK_T_OUT;
	case REQ_OP_FLUSH:
		return VIRTIO_BLK_T_FLUSH;
	case REQ_OP_DISCARD:
		return VIRTIO_BLK_T_DISCARD;
	case REQ_OP_WRITE_ZEROES:
		return VIRTIO_BLK_T_WRITE_ZEROES;
	case REQ_OP_DRV_IN:
		return prepared;
	default:
		/* Zones and secure erase: the table knows none that passes. */
		return VIRTIO_BLK_T_SECURE_ERASE;
	}
}

/**
 * evidence_guard_virtio - judges a request before it is set up
 * @req: the request
 * @prepared_type: its type, where the caller has set it
 */
bool evidence_guard_virtio(struct request *req, u32 prepared_type)
{
	struct gendisk *disk = req->q->disk;
	struct guard_asking asking = {
		.table = &guard_virtio_blk_table,
		.recorder = disk->guard.recorder,
		.disk = disk,
		.device = disk->disk_name,
		.by_driver = true,
		.writable = guard_disk_writable(disk),
	};
	struct guard_command command = {
		.opcode = min(type_of(req_op(req), prepared_type), 0xffU),
		.kind = GUARD_ANY,
	};

	return guard_command(&asking, &command) == GUARD_SENT;
}
