// SPDX-License-Identifier: GPL-2.0
/*
 * The SCSI gate: before queuecommand, for the block layer's requests, for
 * pass-through, for what the SCSI layer sends by itself and for its error
 * handler.
 */
#include <linux/blk-mq.h>
#include <linux/hdreg.h>
#include <linux/rcupdate.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_proto.h>
#include "command.h"

/* SPC-6: write protected (DATA PROTECT, 27h/00h). */
#define ASC_WRITE_PROTECTED	0x27
/* SPC-6: invalid field in CDB (ILLEGAL REQUEST, 24h/00h). */
#define ASC_INVALID_FIELD	0x24
/* SPC-6: not ready to ready change, medium may have changed (28h). */
#define ASC_MEDIUM_CHANGED	0x28
/* SPC-6: medium not present (3Ah). */
#define ASC_NO_MEDIUM		0x3a
#define TYPE_UNKNOWN		0xff

/*
 * What the device itself says it is, once it was asked. The SCSI layer's own
 * mind about it can be changed by quirks.
 */
static u8 type_of(const struct scsi_device *sdev)
{
	const u8 *inquiry = READ_ONCE(sdev->inquiry);

	return inquiry ? inquiry[0] & 0x1f : TYPE_UNKNOWN;
}

static bool by_driver(struct scsi_cmnd *cmd)
{
	if (cmd->submitter == SUBMITTED_BY_SCSI_ERROR_HANDLER ||
	    !blk_rq_is_passthrough(scsi_cmd_to_rq(cmd)))
		return true;
	return (cmd->flags & SCMD_BY_DRIVER) && !(cmd->flags & SCMD_BY_PROGRAM);
}

/*
 * An ATA command that travels in a SCSI command was put there by a program,
 * through whatever ioctl; a bridge or host adapter would hand it to the disk
 * without passing the ATA gate.
 */
static bool inner_refused(const struct guard_asking *outer, const u8 *cdb)
{
	struct guard_asking asking = *outer;
	struct guard_taskfile taskfile;
	struct guard_command command;

	asking.table = &guard_ata_table;
	asking.by_driver = false;
	if (!guard_ata_from_cdb(cdb, &taskfile)) {
		command = (struct guard_command) {
			.opcode = taskfile.command, .kind = GUARD_ANY };
		guard_refuse_command(&asking, &command);
		return true;
	}
	command = guard_decode_ata(&taskfile);
	if (guard_judge(asking.table, guard_find(asking.table, &command), false,
			asking.writable) == GUARD_SENT)
		return false;
	guard_refuse_command(&asking, &command);
	return true;
}

static enum guard_answer judge(struct scsi_cmnd *cmd,
			       const struct guard_asking *asking)
{
	struct guard_command command = guard_decode_scsi(cmd->cmnd,
							 type_of(cmd->device));
	int row = guard_find(asking->table, &command);
	enum guard_answer answer = guard_judge(asking->table, row,
					       asking->by_driver,
					       asking->writable);

	if (answer == GUARD_REFUSED)
		guard_refuse_command(asking, &command);
	else if (answer == GUARD_SENT && guard_scsi_is_ata(cmd->cmnd) &&
		 inner_refused(asking, cmd->cmnd))
		answer = GUARD_REFUSED;
	guard_count(asking->recorder, asking->table, row, command.opcode,
		    answer);
	return answer;
}

/**
 * evidence_guard_scsi - judges a command on its way to the host adapter
 * @cmd: the command
 *
 * Return: false when it is not to be sent; its result is in place then.
 */
bool evidence_guard_scsi(struct scsi_cmnd *cmd)
{
	struct scsi_device *sdev = cmd->device;
	struct guard_asking asking = {
		.table = &guard_scsi_table,
		.recorder = &sdev->guard,
		.device = dev_name(&sdev->sdev_gendev),
		.by_driver = by_driver(cmd),
	};
	enum guard_answer answer;

	/* A disk that is being released is freed after a grace period. */
	rcu_read_lock();
	asking.disk = READ_ONCE(sdev->request_queue->disk);
	asking.writable = guard_disk_writable(asking.disk);
	answer = judge(cmd, &asking);
	rcu_read_unlock();

	switch (answer) {
	case GUARD_SENT:
		return true;
	case GUARD_ABSORBED:
		cmd->result = 0;
		return false;
	default:
		/*
		 * Parallel SCSI tries its cable by writing the echo buffer; this
		 * is the one answer by which it goes on without that test.
		 */
		if (cmd->cmnd[0] == WRITE_BUFFER && asking.by_driver)
			scsi_build_sense(cmd, 0, ILLEGAL_REQUEST,
					 ASC_INVALID_FIELD, 0);
		else
			scsi_build_sense(cmd, 0, DATA_PROTECT,
					 ASC_WRITE_PROTECTED, 0);
		return false;
	}
}

/**
 * evidence_guard_scsi_unsent - the host adapter did not take the command
 * @cmd: a command that passed
 */
void evidence_guard_scsi_unsent(struct scsi_cmnd *cmd)
{
	struct guard_command command = guard_decode_scsi(cmd->cmnd,
							 type_of(cmd->device));

	guard_uncount_sent(&cmd->device->guard,
			   guard_find(&guard_scsi_table, &command));
}

/**
 * evidence_guard_scsi_sense - a driver fetches sense data by itself
 * @cmd: REQUEST SENSE, which goes past queuecommand
 */
void evidence_guard_scsi_sense(struct scsi_cmnd *cmd)
{
	struct guard_command command = guard_decode_scsi(cmd->cmnd,
							 type_of(cmd->device));

	guard_count(&cmd->device->guard, &guard_scsi_table,
		    guard_find(&guard_scsi_table, &command), command.opcode,
		    GUARD_SENT);
}

/**
 * evidence_guard_scsi_medium - a device answered with sense data
 * @sdev: the device
 * @sense_key: its sense key
 * @asc: its additional sense code
 *
 * Called for whatever command was answered so. The serial that made the disk a
 * destination is the card reader's or the dock's; what lies in it now may be
 * anything. The command itself was not carried out, and is judged anew when it
 * is tried again.
 */
void evidence_guard_scsi_medium(struct scsi_device *sdev, u8 sense_key, u8 asc)
{
	struct gendisk *disk;

	if (!(sense_key == UNIT_ATTENTION && asc == ASC_MEDIUM_CHANGED) &&
	    !(sense_key == NOT_READY && asc == ASC_NO_MEDIUM))
		return;
	/* A disk that is being released is freed after a grace period. */
	rcu_read_lock();
	disk = READ_ONCE(sdev->request_queue->disk);
	if (disk)
		guard_medium_changed(disk);
	rcu_read_unlock();
}

/**
 * evidence_guard_host_ioctl - may this ioctl reach the host adapter's driver?
 * @cmd: number of the ioctl
 *
 * Those of libata end in the command gates. Those of RAID adapters speak to
 * the adapter's firmware, past every gate.
 */
bool evidence_guard_host_ioctl(unsigned int cmd)
{
	switch (cmd) {
	case HDIO_GET_32BIT:
	case HDIO_GET_IDENTITY:
	case HDIO_DRIVE_CMD:
	case HDIO_DRIVE_TASK:
		return true;
	}
	evidence_guard_door("host-adapter-ioctl");
	return false;
}
