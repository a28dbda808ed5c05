// SPDX-License-Identifier: GPL-2.0
/*
 * The NVMe gate: before a command is set up, whoever made it. Which table
 * applies follows from the queue, for the opcodes of the two collide.
 */
#include <linux/rcupdate.h>
#include "command.h"
/* Last: the driver's own header, which this file alone needs. */
#include "nvme.h"

#define REFUSED	(NVME_SC_INVALID_OPCODE | NVME_STATUS_DNR)

/* What nvme_setup_cmd() makes of a request that is no pass-through. */
static u8 opcode_of(enum req_op op)
{
	switch (op) {
	case REQ_OP_READ:
		return nvme_cmd_read;
	case REQ_OP_WRITE:
		return nvme_cmd_write;
	case REQ_OP_FLUSH:
		return nvme_cmd_flush;
	case REQ_OP_DISCARD:
		return nvme_cmd_dsm;
	case REQ_OP_WRITE_ZEROES:
		return nvme_cmd_write_zeroes;
	case REQ_OP_ZONE_APPEND:
		return nvme_cmd_zone_append;
	default:
		return nvme_cmd_zone_mgmt_send;
	}
}

static struct evidence_guard_recorder *
recorder_of(struct nvme_ctrl *ctrl, struct request *req)
{
	struct nvme_ns *ns = req ? req->q->queuedata : NULL;

	return ns ? &ns->guard : &ctrl->guard;
}

/* The driver's request for events belongs to no request of the block layer. */
static bool is_admin(struct nvme_ctrl *ctrl, struct request *req)
{
	return !req || req->q == ctrl->admin_q;
}

static struct guard_command decode(bool admin, const __le32 *dword)
{
	return admin ? guard_decode_nvme_admin(dword) :
		       guard_decode_nvme_io(dword);
}

/**
 * evidence_guard_nvme - judges a command before it is set up
 * @ctrl: its controller
 * @req: its request
 *
 * What passes is counted where it is put into a queue, by
 * evidence_guard_nvme_sent().
 *
 * Return: false when it is not to be sent; its status says so then as the
 * device would, for a driver takes an errno as the end of the controller.
 */
bool evidence_guard_nvme(struct nvme_ctrl *ctrl, struct request *req)
{
	bool admin = is_admin(ctrl, req);
	struct guard_asking asking = {
		.table = admin ? &guard_nvme_admin_table : &guard_nvme_io_table,
		.recorder = recorder_of(ctrl, req),
		.device = dev_name(ctrl->device),
		.by_driver = !(nvme_req(req)->flags & NVME_REQ_USERCMD),
	};
	__le32 made[16] = { cpu_to_le32(opcode_of(req_op(req))) };
	const __le32 *dword = made;
	struct guard_command command;
	int row;

	/* A request of a batch comes twice; it was counted the first time. */
	if (nvme_req(req)->status == REFUSED)
		return false;
	if (blk_op_is_passthrough(req->cmd_flags))
		dword = (const __le32 *)nvme_req(req)->cmd;
	command = decode(admin, dword);
	row = guard_find(asking.table, &command);

	rcu_read_lock();
	asking.disk = READ_ONCE(req->q->disk);
	asking.writable = guard_disk_writable(asking.disk);
	if (guard_judge(asking.table, row, asking.by_driver,
			asking.writable) == GUARD_SENT) {
		rcu_read_unlock();
		return true;
	}
	guard_count(asking.recorder, asking.table, row, command.opcode,
		    GUARD_REFUSED);
	guard_refuse_command(&asking, &command);
	rcu_read_unlock();

	nvme_req(req)->status = REFUSED;
	return false;
}

/**
 * evidence_guard_nvme_sent - a command is put into a queue
 * @ctrl: its controller
 * @req: its request, or NULL for the driver's request for events
 * @cmd: the command
 */
void evidence_guard_nvme_sent(struct nvme_ctrl *ctrl, struct request *req,
			      const struct nvme_command *cmd)
{
	bool admin = is_admin(ctrl, req);
	const struct guard_table *table = admin ? &guard_nvme_admin_table :
						  &guard_nvme_io_table;
	struct guard_command command = decode(admin, (const __le32 *)cmd);

	guard_count(recorder_of(ctrl, req), table, guard_find(table, &command),
		    command.opcode, GUARD_SENT);
}
