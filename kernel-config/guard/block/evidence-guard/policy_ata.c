// SPDX-License-Identifier: GPL-2.0
/*
 * ATA commands: ACS-5, for what is obsolete there the older standard that
 * still has it.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include "policy.h"

#define ROW(_opcode, _sub, _verdict, _name, _standard, _reason) {		\
	.opcode = _opcode, .kinds = GUARD_ANY, .sub = _sub,			\
	.verdict = GUARD_##_verdict, .name = _name, .standard = _standard,	\
	.reason = _reason }
#define ALL	GUARD_ALL

/* Feature bit 0: has a status log made anew, statistics and counters reset. */
#define SUB_CREATE		0x101
/* A log that the standards do not define. */
#define SUB_UNKNOWN		0x102

static const struct guard_rule rules[] = {
	ROW(0x06, 0x01, WRITE, "DATA SET MANAGEMENT: TRIM", "ACS-5", "discards blocks"),
	ROW(0x06, ALL, REFUSE, "DATA SET MANAGEMENT, others", "ACS-5", "not needed"),
	ROW(0x07, ALL, REFUSE, "DATA SET MANAGEMENT XL", "ACS-5", "discards blocks; the driver uses the short form"),
	ROW(0x0b, ALL, REFUSE, "REQUEST SENSE DATA EXT", "ACS-5", "not needed: the driver reads sense from the status"),
	ROW(0x20, ALL, PASS, "READ SECTOR(S)", "ACS-5", "reads the medium"),
	ROW(0x24, ALL, PASS, "READ SECTOR(S) EXT", "ACS-5", "reads the medium"),
	ROW(0x25, ALL, PASS, "READ DMA EXT", "ACS-5", "reads the medium"),
	ROW(0x27, ALL, PASS, "READ NATIVE MAX ADDRESS EXT", "ACS-2", "asks for the hidden area's end"),
	ROW(0x29, ALL, PASS, "READ MULTIPLE EXT", "ATA8-ACS", "reads the medium"),
	ROW(0x2a, ALL, PASS, "READ STREAM DMA EXT", "ACS-5", "reads the medium"),
	ROW(0x2b, ALL, PASS, "READ STREAM EXT", "ACS-5", "reads the medium"),
	ROW(0x2f, SUB_CREATE, REFUSE, "READ LOG EXT that makes or resets a log", "ACS-5", "has the device save its internal status, or resets statistics"),
	ROW(0x2f, SUB_UNKNOWN, REFUSE, "READ LOG EXT of another log", "ACS-5", "what a vendor's log does when it is read is not known"),
	ROW(0x2f, ALL, PASS, "READ LOG EXT of a standard's log", "ACS-5", "reads a log"),
	ROW(0x30, ALL, WRITE, "WRITE SECTOR(S)", "ACS-5", "writes the medium"),
	ROW(0x34, ALL, WRITE, "WRITE SECTOR(S) EXT", "ACS-5", "writes the medium"),
	ROW(0x35, ALL, WRITE, "WRITE DMA EXT", "ACS-5", "writes the medium"),
	ROW(0x37, ALL, REFUSE, "SET MAX ADDRESS EXT", "ACS-2", "changes the hidden area"),
	ROW(0x38, ALL, REFUSE, "CFA WRITE SECTORS WITHOUT ERASE", "ACS-3", "writes the medium"),
	ROW(0x39, ALL, WRITE, "WRITE MULTIPLE EXT", "ATA8-ACS", "writes the medium"),
	ROW(0x3a, ALL, REFUSE, "WRITE STREAM DMA EXT", "ACS-5", "writes the medium"),
	ROW(0x3b, ALL, REFUSE, "WRITE STREAM EXT", "ACS-5", "writes the medium"),
	ROW(0x3d, ALL, WRITE, "WRITE DMA FUA EXT", "ACS-5", "writes the medium"),
	ROW(0x3f, ALL, REFUSE, "WRITE LOG EXT", "ACS-5", "writes a log, which may be a command"),
	ROW(0x40, ALL, PASS, "READ VERIFY SECTOR(S)", "ACS-5", "reads the medium and hands nothing out"),
	ROW(0x42, ALL, PASS, "READ VERIFY SECTOR(S) EXT", "ACS-5", "reads the medium and hands nothing out"),
	ROW(0x44, ALL, REFUSE, "ZERO EXT", "ACS-5", "writes the medium"),
	ROW(0x45, ALL, REFUSE, "WRITE UNCORRECTABLE EXT", "ACS-5", "marks sectors as unreadable"),
	ROW(0x47, SUB_CREATE, REFUSE, "READ LOG DMA EXT that makes or resets a log", "ACS-5", "has the device save its internal status, or resets statistics"),
	ROW(0x47, SUB_UNKNOWN, REFUSE, "READ LOG DMA EXT of another log", "ACS-5", "what a vendor's log does when it is read is not known"),
	ROW(0x47, ALL, PASS, "READ LOG DMA EXT of a standard's log", "ACS-5", "reads a log"),
	ROW(0x4a, 0x00, PASS, "ZAC MANAGEMENT IN: REPORT ZONES EXT", "ZAC-2", "asks for zones"),
	ROW(0x57, ALL, REFUSE, "WRITE LOG DMA EXT", "ACS-5", "writes a log, which may be a command"),
	ROW(0x5b, ALL, REFUSE, "TRUSTED NON-DATA", "ACS-5", "locks, unlocks, erases"),
	ROW(0x5c, 0x00, PASS, "TRUSTED RECEIVE: information", "ACS-5", "asks for protocols"),
	ROW(0x5c, 0x01, PASS, "TRUSTED RECEIVE: TCG level 0 discovery", "TCG Storage Core", "asks whether the disk is locked"),
	ROW(0x5c, ALL, REFUSE, "TRUSTED RECEIVE, others", "ACS-5", "may be part of a session that changes the device"),
	ROW(0x5d, 0x00, PASS, "TRUSTED RECEIVE DMA: information", "ACS-5", "asks for protocols"),
	ROW(0x5d, 0x01, PASS, "TRUSTED RECEIVE DMA: TCG level 0 discovery", "TCG Storage Core", "asks whether the disk is locked"),
	ROW(0x5d, ALL, REFUSE, "TRUSTED RECEIVE DMA, others", "ACS-5", "may be part of a session that changes the device"),
	ROW(0x5e, ALL, REFUSE, "TRUSTED SEND", "ACS-5", "locks, unlocks, erases"),
	ROW(0x5f, ALL, REFUSE, "TRUSTED SEND DMA", "ACS-5", "locks, unlocks, erases"),
	ROW(0x60, ALL, PASS, "READ FPDMA QUEUED", "ACS-5", "reads the medium"),
	ROW(0x61, ALL, WRITE, "WRITE FPDMA QUEUED", "ACS-5", "writes the medium"),
	ROW(0x63, ALL, REFUSE, "NCQ NON-DATA", "ACS-5", "not needed; one of its sub-commands sets features, one zeroes"),
	ROW(0x64, 0x00, WRITE, "SEND FPDMA QUEUED: DATA SET MANAGEMENT", "ACS-5", "discards blocks"),
	ROW(0x64, ALL, REFUSE, "SEND FPDMA QUEUED, others", "ACS-5", "writes logs, trims, changes zones"),
	ROW(0x65, ALL, REFUSE, "RECEIVE FPDMA QUEUED", "ACS-5", "not needed; what makes or resets a log is in no register here"),
	ROW(0x77, ALL, REFUSE, "SET DATE & TIME EXT", "ACS-5", "sets the device's clock"),
	ROW(0x78, 0x00, PASS, "GET NATIVE MAX ADDRESS EXT", "ACS-5", "asks for the hidden area's end"),
	ROW(0x78, ALL, REFUSE, "ACCESSIBLE MAX ADDRESS CONFIGURATION, others", "ACS-5", "changes the hidden area"),
	ROW(0x87, ALL, REFUSE, "CFA TRANSLATE SECTOR", "ACS-3", "not needed"),
	ROW(0x91, ALL, DRIVER, "INITIALIZE DEVICE PARAMETERS", "ATA-5", "geometry for old addressing; volatile"),
	ROW(0x92, ALL, REFUSE, "DOWNLOAD MICROCODE", "ACS-5", "changes the firmware"),
	ROW(0x93, ALL, REFUSE, "DOWNLOAD MICROCODE DMA", "ACS-5", "changes the firmware"),
	ROW(0x9f, ALL, REFUSE, "ZAC MANAGEMENT OUT", "ZAC-2", "changes zones"),
	ROW(0xa0, ALL, PASS, "PACKET", "ACS-5", "judged by the SCSI command inside"),
	ROW(0xa1, ALL, PASS, "IDENTIFY PACKET DEVICE", "ACS-5", "asks for identity"),
	ROW(0xb0, 0xd0, PASS, "SMART READ DATA", "ACS-4", "reads health"),
	ROW(0xb0, 0xd1, PASS, "SMART READ ATTRIBUTE THRESHOLDS", "ATA/ATAPI-5", "reads health"),
	ROW(0xb0, 0xd5, PASS, "SMART READ LOG of a standard's log", "ACS-5", "reads a log"),
	ROW(0xb0, 0xda, PASS, "SMART RETURN STATUS", "ACS-5", "reads health"),
	ROW(0xb0, ALL, REFUSE, "SMART, others", "ACS-5", "start self-tests, switch it on or off, write logs"),
	ROW(0xb1, 0xc2, PASS, "DEVICE CONFIGURATION IDENTIFY", "ATA8-ACS", "asks for the hidden area's end"),
	ROW(0xb1, 0xc4, PASS, "DEVICE CONFIGURATION IDENTIFY DMA", "ATA8-ACS", "asks for the hidden area's end"),
	ROW(0xb1, ALL, REFUSE, "DEVICE CONFIGURATION, others", "ATA8-ACS", "change the hidden area and features"),
	ROW(0xb2, ALL, REFUSE, "SET SECTOR CONFIGURATION EXT", "ACS-5", "formats"),
	ROW(0xb4, ALL, REFUSE, "SANITIZE DEVICE", "ACS-5", "destroys the medium"),
	ROW(0xb6, ALL, REFUSE, "NV CACHE", "ACS-2", "changes what the cache pins"),
	ROW(0xc0, ALL, REFUSE, "CFA ERASE SECTORS", "ACS-3", "writes the medium"),
	ROW(0xc4, ALL, PASS, "READ MULTIPLE", "ATA8-ACS", "reads the medium"),
	ROW(0xc5, ALL, WRITE, "WRITE MULTIPLE", "ATA8-ACS", "writes the medium"),
	ROW(0xc6, ALL, DRIVER, "SET MULTIPLE MODE", "ATA8-ACS", "sectors an interrupt; volatile"),
	ROW(0xc8, ALL, PASS, "READ DMA", "ACS-5", "reads the medium"),
	ROW(0xca, ALL, WRITE, "WRITE DMA", "ACS-5", "writes the medium"),
	ROW(0xcd, ALL, REFUSE, "CFA WRITE MULTIPLE WITHOUT ERASE", "ACS-3", "writes the medium"),
	ROW(0xce, ALL, WRITE, "WRITE MULTIPLE FUA EXT", "ATA8-ACS", "writes the medium"),
	ROW(0xe0, ALL, ABSORB, "STANDBY IMMEDIATE", "ACS-5", "nothing was accepted that stopping could save"),
	ROW(0xe1, ALL, ABSORB, "IDLE IMMEDIATE", "ACS-5", "nothing was accepted that parking could save"),
	ROW(0xe2, ALL, REFUSE, "STANDBY", "ACS-5", "sets a timer"),
	ROW(0xe3, ALL, REFUSE, "IDLE", "ACS-5", "sets a timer"),
	ROW(0xe4, ALL, REFUSE, "READ BUFFER", "ACS-5", "not needed"),
	ROW(0xe5, ALL, PASS, "CHECK POWER MODE", "ACS-5", "asks for the power mode"),
	ROW(0xe6, ALL, REFUSE, "SLEEP", "ACS-5", "only a reset wakes the disk"),
	ROW(0xe7, ALL, ABSORB, "FLUSH CACHE", "ACS-5", "nothing was accepted that could be made durable"),
	ROW(0xe8, ALL, REFUSE, "WRITE BUFFER", "ACS-5", "not needed"),
	ROW(0xea, ALL, ABSORB, "FLUSH CACHE EXT", "ACS-5", "nothing was accepted that could be made durable"),
	ROW(0xec, ALL, PASS, "IDENTIFY DEVICE", "ACS-5", "asks for identity"),
	ROW(0xef, 0x02, REFUSE, "SET FEATURES: enable write cache", "ACS-5", "changes a setting"),
	ROW(0xef, 0x03, DRIVER, "SET FEATURES: set transfer mode", "ACS-5", "speed of the cable; volatile"),
	ROW(0xef, 0x07, DRIVER, "SET FEATURES: PUIS spin-up", "ACS-5", "spins up a disk that waits for it"),
	ROW(0xef, 0x10, DRIVER, "SET FEATURES: enable SATA feature", "ACS-5", "interface power management and the like; volatile"),
	ROW(0xef, 0x90, DRIVER, "SET FEATURES: disable SATA feature", "ACS-5", "interface power management and the like; volatile"),
	ROW(0xef, 0xc3, DRIVER, "SET FEATURES: sense data reporting", "ACS-5", "how errors are told; volatile"),
	ROW(0xef, 0xc4, DRIVER, "SET FEATURES: sense data for successful NCQ", "ACS-5", "how errors are told; volatile"),
	ROW(0xef, ALL, REFUSE, "SET FEATURES, others", "ACS-5", "change settings"),
	ROW(0xf1, ALL, REFUSE, "SECURITY SET PASSWORD", "ACS-5", "locks the disk"),
	ROW(0xf2, ALL, REFUSE, "SECURITY UNLOCK", "ACS-5", "nothing is unlocked silently"),
	ROW(0xf3, ALL, REFUSE, "SECURITY ERASE PREPARE", "ACS-5", "prepares to destroy the medium"),
	ROW(0xf4, ALL, REFUSE, "SECURITY ERASE UNIT", "ACS-5", "destroys the medium"),
	ROW(0xf5, ALL, REFUSE, "SECURITY FREEZE LOCK", "ACS-5", "changes the security state until power-off"),
	ROW(0xf6, ALL, REFUSE, "SECURITY DISABLE PASSWORD", "ACS-5", "changes the security state"),
	ROW(0xf8, ALL, PASS, "READ NATIVE MAX ADDRESS", "ATA8-ACS", "asks for the hidden area's end"),
	ROW(0xf9, ALL, REFUSE, "SET MAX family", "ATA8-ACS", "changes the hidden area"),
};

const struct guard_table guard_ata_table = {
	.set = "ata", .rules = rules, .count = ARRAY_SIZE(rules),
};

/*
 * Log addresses of ACS-5 and of the standards it names (SATA, SCT, streaming),
 * from one to another; 80h to 9Fh hold what hosts put there. Left out are the
 * stream error logs (21h, 22h), which a read clears.
 */
static const struct {
	u8 from, to;
} known_logs[] = {
	{ 0x00, 0x04 }, { 0x06, 0x0a }, { 0x0c, 0x0d }, { 0x0f, 0x16 },
	{ 0x18, 0x19 }, { 0x24, 0x25 }, { 0x2f, 0x30 }, { 0x42, 0x42 },
	{ 0x47, 0x47 }, { 0x53, 0x53 }, { 0x80, 0x9f }, { 0xe0, 0xe1 },
};

static u16 log_read(const struct guard_taskfile *taskfile, bool resets)
{
	size_t i;

	if (resets)
		return SUB_CREATE;
	for (i = 0; i < ARRAY_SIZE(known_logs); i++)
		if (taskfile->lba_low >= known_logs[i].from &&
		    taskfile->lba_low <= known_logs[i].to)
			return 0;
	return SUB_UNKNOWN;
}

/* A protocol of TRUSTED RECEIVE: of TCG (01h) only the discovery, ComID 1. */
static u16 trusted_protocol(const struct guard_taskfile *taskfile)
{
	if (taskfile->feature == 0x01 &&
	    (taskfile->lba_mid != 0x01 || taskfile->lba_high != 0x00))
		return 0x100;
	return taskfile->feature;
}

/**
 * guard_decode_ata - what a taskfile asks for
 * @taskfile: its registers
 */
struct guard_command guard_decode_ata(const struct guard_taskfile *taskfile)
{
	struct guard_command command = {
		.opcode = taskfile->command, .kind = GUARD_ANY, .sub = 0,
	};

	switch (taskfile->command) {
	case 0x06:	/* families whose member stands in the feature register */
	case 0x78:
	case 0xb1:
	case 0xef:
		command.sub = taskfile->feature;
		break;
	case 0x2f:	/* READ LOG: the log's address is LBA bits 7:0 */
	case 0x47:
		command.sub = log_read(taskfile, taskfile->feature & 0x01);
		break;
	case 0xb0:	/* SMART; READ LOG has its log where READ LOG EXT has it */
		command.sub = taskfile->feature == 0xd5 &&
			      log_read(taskfile, false) ? SUB_UNKNOWN :
			      taskfile->feature;
		break;
	case 0x4a:	/* ACTION, bits 4:0 */
		command.sub = taskfile->feature & 0x1f;
		break;
	case 0x5c:
	case 0x5d:
		command.sub = trusted_protocol(taskfile);
		break;
	case 0x64:	/* sub-command: bits 12:8 of the count field */
		command.sub = taskfile->count_high & 0x1f;
		break;
	}
	return command;
}

/* The PROTOCOL field of ATA PASS-THROUGH (SAT-5): does it send a command? */
static bool sends_command(u8 control)
{
	switch (control >> 1 & 0x0f) {
	case 3:		/* non-data */
	case 4:		/* PIO in, out */
	case 5:
	case 6:		/* DMA, and UDMA in, out */
	case 10:
	case 11:
	case 12:	/* FPDMA */
		return true;
	}
	/* Resets, diagnostic, a question about the last one; or reserved. */
	return false;
}

/**
 * guard_ata_from_cdb - reads the ATA command that a SCSI command carries
 * @cdb: 32 bytes for which guard_scsi_is_ata() holds
 * @taskfile: filled in
 *
 * Return: false when it does anything else than sending a command, a reset for
 * one, or sends a PACKET command, whose CDB lies in the data.
 */
bool guard_ata_from_cdb(const u8 *cdb, struct guard_taskfile *taskfile)
{
	u8 control;

	memset(taskfile, 0, sizeof(*taskfile));
	switch (cdb[0]) {
	case 0xa1:
		control = cdb[1];
		taskfile->feature = cdb[3];
		taskfile->lba_low = cdb[5];
		taskfile->lba_mid = cdb[6];
		taskfile->lba_high = cdb[7];
		taskfile->command = cdb[9];
		break;
	case 0x85:
		control = cdb[1];
		taskfile->feature = cdb[4];
		taskfile->count_high = cdb[5];
		taskfile->lba_low = cdb[8];
		taskfile->lba_mid = cdb[10];
		taskfile->lba_high = cdb[12];
		taskfile->command = cdb[14];
		break;
	default:	/* 7Fh/1FF0h */
		control = cdb[10];
		taskfile->lba_low = cdb[19];
		taskfile->lba_mid = cdb[18];
		taskfile->lba_high = cdb[17];
		taskfile->feature = cdb[21];
		taskfile->count_high = cdb[22];
		taskfile->command = cdb[25];
		break;
	}
	/* Without EXTEND the upper halves of the fields do not travel. */
	if (!(control & 0x01))
		taskfile->count_high = 0;
	return sends_command(control) && taskfile->command != 0xa0;
}
