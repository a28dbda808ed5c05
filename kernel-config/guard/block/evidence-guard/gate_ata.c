// SPDX-License-Identifier: GPL-2.0
/*
 * The ATA gate: before a taskfile is prepared for the controller. What came
 * down as a SCSI command was judged as one already; here is judged what it was
 * translated to, and what libata sends by itself.
 */
#include <linux/libata.h>
#include <linux/rcupdate.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include "command.h"

#define CDB_MAX	32

static bool by_program(const struct ata_queued_cmd *qc)
{
	return qc->scsicmd && guard_scsi_is_ata(qc->scsicmd->cmnd);
}

/* The CDB that a PACKET command carries to an ATAPI device. */
static enum guard_answer judge_packet(const struct ata_queued_cmd *qc,
				      const struct guard_asking *outer)
{
	const struct scsi_device *sdev = qc->dev->sdev;
	struct guard_asking asking = *outer;
	struct guard_command command;
	enum guard_answer answer;
	u8 cdb[CDB_MAX] = { };

	memcpy(cdb, qc->cdb, min(sizeof(cdb), sizeof(qc->cdb)));
	/* Its own word, as in the SCSI gate; before INQUIRY nothing is known. */
	command = guard_decode_scsi(cdb, sdev && sdev->inquiry ?
				    sdev->inquiry[0] & 0x1f : 0xff);
	asking.table = &guard_scsi_table;
	/* The SCSI gate knew who asked; what it let pass is fit for either. */
	asking.by_driver = true;
	answer = guard_judge(asking.table, guard_find(asking.table, &command),
			     asking.by_driver, asking.writable);
	if (answer == GUARD_REFUSED)
		guard_refuse_command(&asking, &command);
	return answer;
}

static enum guard_answer judge(const struct ata_queued_cmd *qc,
			       const struct guard_asking *asking)
{
	const struct ata_taskfile *tf = &qc->tf;
	struct guard_taskfile taskfile = {
		.command = tf->command, .feature = tf->feature,
		.count_high = tf->hob_nsect, .lba_low = tf->lbal,
		.lba_mid = tf->lbam, .lba_high = tf->lbah,
	};
	struct guard_command command = guard_decode_ata(&taskfile);
	int row = guard_find(asking->table, &command);
	enum guard_answer answer = guard_judge(asking->table, row,
					       asking->by_driver,
					       asking->writable);

	if (answer == GUARD_REFUSED)
		guard_refuse_command(asking, &command);
	else if (answer == GUARD_SENT && tf->command == ATA_CMD_PACKET)
		answer = judge_packet(qc, asking);
	guard_count(asking->recorder, asking->table, row, command.opcode,
		    answer);
	return answer;
}

/**
 * evidence_guard_ata - judges a command on its way to the controller
 * @qc: the command, with the port's lock held
 *
 * Return: false when it is not to be sent; it is to be completed then, and
 * says by its err_mask how.
 */
bool evidence_guard_ata(struct ata_queued_cmd *qc)
{
	struct ata_device *dev = qc->dev;
	struct guard_asking asking = {
		.table = &guard_ata_table,
		.recorder = &dev->guard,
		.device = dev_name(&dev->tdev),
		.by_driver = !by_program(qc),
	};
	enum guard_answer answer;

	/* A port multiplier has registers of its own behind these opcodes. */
	if (dev->class == ATA_DEV_PMP && asking.by_driver)
		return true;

	rcu_read_lock();
	if (dev->sdev)
		asking.disk = READ_ONCE(dev->sdev->request_queue->disk);
	asking.writable = guard_disk_writable(asking.disk);
	answer = judge(qc, &asking);
	rcu_read_unlock();

	if (answer == GUARD_SENT)
		return true;
	/* Invalid: ends at once, without a reset of the link. */
	if (answer == GUARD_REFUSED)
		qc->err_mask |= AC_ERR_INVALID;
	return false;
}
