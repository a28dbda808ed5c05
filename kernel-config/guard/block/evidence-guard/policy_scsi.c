// SPDX-License-Identifier: GPL-2.0
/*
 * SCSI commands: SPC-6 for every device, SBC-4 for disks, MMC-6 for optical
 * drives, SAT-5 for what carries an ATA command.
 */
#include <linux/kernel.h>
#include <linux/unaligned.h>
#include "policy.h"

#define ROW(_opcode, _kinds, _sub, _verdict, _name, _standard, _reason) {	\
	.opcode = _opcode, .kinds = GUARD_##_kinds, .sub = _sub,		\
	.verdict = GUARD_##_verdict, .name = _name, .standard = _standard,	\
	.reason = _reason }
#define ALL	GUARD_ALL

/* Sub-codes that the decoder folds into one number. */
#define SUB_PLAIN	0x00
/* A reserved, vendor-specific or state-changing form of a command. */
#define SUB_OTHER	0x100
/* READ BUFFER modes (SPC-6, READ BUFFER (10) command). */
#define MODE_DATA	0x02
#define MODE_DESCRIPTOR	0x03
#define MODE_ECHO	0x0a
#define MODE_ECHO_DESCR	0x0b
/* START STOP UNIT: bits of byte 4, with the power condition above. */
#define START		0x01
#define START_ACTIVE	0x11

static const struct guard_rule rules[] = {
	ROW(0x00, ANY, ALL, PASS, "TEST UNIT READY", "SPC-6", "asks for status"),
	ROW(0x01, CD, ALL, REFUSE, "REZERO UNIT", "SCSI-2", "moves the head for nothing"),
	ROW(0x03, ANY, ALL, PASS, "REQUEST SENSE", "SPC-6", "asks for status"),
	ROW(0x04, DISK, ALL, REFUSE, "FORMAT UNIT", "SBC-4", "destroys the medium"),
	ROW(0x04, CD, ALL, REFUSE, "FORMAT UNIT", "MMC-6", "destroys the medium"),
	ROW(0x07, DISK, ALL, REFUSE, "REASSIGN BLOCKS", "SBC-4", "remaps sectors"),
	ROW(0x08, DISK, ALL, PASS, "READ (6)", "SBC-3", "reads the medium"),
	ROW(0x0a, DISK, ALL, WRITE, "WRITE (6)", "SBC-3", "writes the medium"),
	ROW(0x12, ANY, ALL, PASS, "INQUIRY", "SPC-6", "asks for identity"),
	ROW(0x15, ANY, ALL, REFUSE, "MODE SELECT (6)", "SPC-6", "changes settings, also saved ones"),
	ROW(0x16, ANY, ALL, REFUSE, "RESERVE (6)", "SPC-2", "reserves the unit"),
	ROW(0x17, ANY, ALL, REFUSE, "RELEASE (6)", "SPC-2", "ends a reservation"),
	ROW(0x19, ANY, ALL, REFUSE, "ERASE (6)", "SSC-5", "erases a tape"),
	ROW(0x1a, DISK, ALL, PASS, "MODE SENSE (6)", "SPC-6", "asks for settings"),
	ROW(0x1a, CD, ALL, PASS, "MODE SENSE (6)", "SPC-6", "asks for settings"),
	ROW(0x1b, DISK, START, PASS, "START STOP UNIT: start", "SBC-4", "spins up; lasts until power-off"),
	ROW(0x1b, DISK, START_ACTIVE, PASS, "START STOP UNIT: active", "SBC-4", "spins up; lasts until power-off"),
	ROW(0x1b, DISK, ALL, ABSORB, "START STOP UNIT: stop, eject, power condition", "SBC-4", "nothing was accepted that stopping could save; the disk parks by itself when power goes"),
	ROW(0x1b, CD, ALL, DRIVER, "START STOP UNIT", "MMC-6", "spins, loads or ejects; the medium stays as it is"),
	ROW(0x1b, OTHER, ALL, ABSORB, "START STOP UNIT", "SPC-6", "sent to the well-known unit of a UFS device at power-off"),
	ROW(0x1d, ANY, ALL, REFUSE, "SEND DIAGNOSTIC", "SPC-6", "starts self-tests, whose results are kept"),
	ROW(0x1e, DISK, ALL, DRIVER, "PREVENT ALLOW MEDIUM REMOVAL", "SBC-4", "locks the tray while it is in use; volatile"),
	ROW(0x1e, CD, ALL, DRIVER, "PREVENT ALLOW MEDIUM REMOVAL", "MMC-6", "locks the tray while it is in use; volatile"),
	ROW(0x23, ANY, ALL, PASS, "READ FORMAT CAPACITIES", "MMC-6", "asks for capacities"),
	ROW(0x25, DISK, ALL, PASS, "READ CAPACITY (10)", "SBC-4", "asks for the capacity"),
	ROW(0x25, CD, ALL, PASS, "READ CAPACITY", "MMC-6", "asks for the capacity"),
	ROW(0x28, DISK, ALL, PASS, "READ (10)", "SBC-4", "reads the medium"),
	ROW(0x28, CD, ALL, PASS, "READ (10)", "MMC-6", "reads the medium"),
	ROW(0x2a, DISK, ALL, WRITE, "WRITE (10)", "SBC-4", "writes the medium"),
	ROW(0x2a, CD, ALL, REFUSE, "WRITE (10)", "MMC-6", "writes the medium; no optical destinations"),
	ROW(0x2b, ANY, ALL, REFUSE, "SEEK (10)", "MMC-6", "not needed"),
	ROW(0x2e, DISK, ALL, WRITE, "WRITE AND VERIFY (10)", "SBC-4", "writes the medium"),
	ROW(0x2e, CD, ALL, REFUSE, "WRITE AND VERIFY (10)", "MMC-6", "writes the medium"),
	ROW(0x2f, DISK, SUB_PLAIN, PASS, "VERIFY (10) without data", "SBC-4", "reads the medium and compares with nothing"),
	ROW(0x2f, DISK, ALL, REFUSE, "VERIFY (10) with data", "SBC-4", "not needed"),
	ROW(0x35, ANY, ALL, ABSORB, "SYNCHRONIZE CACHE (10)", "SBC-4", "nothing was accepted that could be made durable"),
	ROW(0x37, DISK, ALL, PASS, "READ DEFECT DATA (10)", "SBC-4", "reads the list of defects"),
	ROW(0x3b, ANY, ALL, REFUSE, "WRITE BUFFER", "SPC-6", "downloads firmware, or writes buffers"),
	ROW(0x3c, DISK, MODE_DATA, PASS, "READ BUFFER (10): data", "SPC-6", "reads the buffer"),
	ROW(0x3c, DISK, MODE_DESCRIPTOR, PASS, "READ BUFFER (10): descriptor", "SPC-6", "asks for the buffer's size"),
	ROW(0x3c, DISK, MODE_ECHO, PASS, "READ BUFFER (10): echo buffer", "SPC-6", "reads the echo buffer"),
	ROW(0x3c, DISK, MODE_ECHO_DESCR, PASS, "READ BUFFER (10): echo buffer descriptor", "SPC-6", "asks for the echo buffer's size"),
	ROW(0x3e, ANY, ALL, REFUSE, "READ LONG (10)", "SBC-3", "not needed"),
	ROW(0x3f, ANY, ALL, REFUSE, "WRITE LONG (10)", "SBC-4", "marks sectors as unreadable"),
	ROW(0x41, ANY, ALL, REFUSE, "WRITE SAME (10)", "SBC-4", "used on destinations by its long form only"),
	ROW(0x42, DISK, ALL, WRITE, "UNMAP", "SBC-4", "discards blocks"),
	ROW(0x42, CD, ALL, PASS, "READ SUB-CHANNEL", "MMC-6", "reads the medium"),
	ROW(0x43, CD, ALL, PASS, "READ TOC/PMA/ATIP", "MMC-6", "reads the table of contents"),
	ROW(0x44, CD, ALL, PASS, "READ HEADER", "MMC-3", "reads the medium"),
	ROW(0x46, CD, ALL, PASS, "GET CONFIGURATION", "MMC-6", "asks for features"),
	ROW(0x48, ANY, ALL, REFUSE, "SANITIZE", "SBC-4", "destroys the medium"),
	ROW(0x4a, CD, ALL, PASS, "GET EVENT STATUS NOTIFICATION", "MMC-6", "asks for events"),
	ROW(0x4c, ANY, ALL, REFUSE, "LOG SELECT", "SPC-6", "clears or sets counters"),
	ROW(0x4d, DISK, SUB_PLAIN, PASS, "LOG SENSE", "SPC-6", "reads counters"),
	ROW(0x4d, DISK, ALL, REFUSE, "LOG SENSE with SP", "SPC-6", "saves counters to the medium"),
	ROW(0x51, CD, ALL, PASS, "READ DISC INFORMATION", "MMC-6", "reads what the disc is"),
	ROW(0x52, CD, ALL, PASS, "READ TRACK INFORMATION", "MMC-6", "reads what a track is"),
	ROW(0x53, ANY, ALL, REFUSE, "RESERVE TRACK", "MMC-6", "writes the medium"),
	ROW(0x54, ANY, ALL, REFUSE, "SEND OPC INFORMATION", "MMC-6", "calibrates power on the medium"),
	ROW(0x55, ANY, ALL, REFUSE, "MODE SELECT (10)", "SPC-6", "changes settings, also saved ones"),
	ROW(0x56, ANY, ALL, REFUSE, "RESERVE (10)", "SPC-2", "reserves the unit"),
	ROW(0x57, ANY, ALL, REFUSE, "RELEASE (10)", "SPC-2", "ends a reservation"),
	ROW(0x5a, DISK, ALL, PASS, "MODE SENSE (10)", "SPC-6", "asks for settings"),
	ROW(0x5a, CD, ALL, PASS, "MODE SENSE (10)", "SPC-6", "asks for settings"),
	ROW(0x5b, ANY, ALL, REFUSE, "CLOSE TRACK/SESSION", "MMC-6", "writes the medium"),
	ROW(0x5d, ANY, ALL, REFUSE, "SEND CUE SHEET", "MMC-6", "prepares a recording"),
	ROW(0x5e, DISK, ALL, PASS, "PERSISTENT RESERVE IN", "SPC-6", "reads reservations"),
	ROW(0x5f, ANY, ALL, REFUSE, "PERSISTENT RESERVE OUT", "SPC-6", "changes reservations, which last"),
	ROW(0x7f, DISK, 0x0009, PASS, "READ (32)", "SBC-4", "reads the medium"),
	ROW(0x7f, DISK, 0x000b, WRITE, "WRITE (32)", "SBC-4", "writes the medium"),
	ROW(0x7f, ANY, 0x1ff0, PASS, "ATA PASS-THROUGH (32)", "SAT-5", "judged by the ATA command inside"),
	ROW(0x7f, ANY, ALL, REFUSE, "variable-length command", "SPC-6", "every other service action"),
	ROW(0x83, ANY, ALL, REFUSE, "EXTENDED COPY and third-party copy out", "SPC-6", "writes"),
	ROW(0x85, ANY, ALL, PASS, "ATA PASS-THROUGH (16)", "SAT-5", "judged by the ATA command inside"),
	ROW(0x86, ANY, ALL, REFUSE, "ACCESS CONTROL IN", "SPC-3", "not needed"),
	ROW(0x87, ANY, ALL, REFUSE, "ACCESS CONTROL OUT", "SPC-3", "changes access rights"),
	ROW(0x88, DISK, ALL, PASS, "READ (16)", "SBC-4", "reads the medium"),
	ROW(0x89, ANY, ALL, REFUSE, "COMPARE AND WRITE", "SBC-4", "writes the medium"),
	ROW(0x8a, DISK, ALL, WRITE, "WRITE (16)", "SBC-4", "writes the medium"),
	ROW(0x8b, ANY, ALL, REFUSE, "ORWRITE (16)", "SBC-4", "writes the medium"),
	ROW(0x8e, DISK, ALL, WRITE, "WRITE AND VERIFY (16)", "SBC-4", "writes the medium"),
	ROW(0x8f, DISK, SUB_PLAIN, PASS, "VERIFY (16) without data", "SBC-4", "reads the medium and compares with nothing"),
	ROW(0x8f, DISK, ALL, REFUSE, "VERIFY (16) with data", "SBC-4", "not needed"),
	ROW(0x91, ANY, ALL, ABSORB, "SYNCHRONIZE CACHE (16)", "SBC-4", "nothing was accepted that could be made durable"),
	ROW(0x93, DISK, ALL, WRITE, "WRITE SAME (16)", "SBC-4", "writes or discards blocks"),
	ROW(0x94, ANY, ALL, REFUSE, "zoned block commands out", "ZBC-2", "changes zones"),
	ROW(0x95, DISK, SUB_PLAIN, PASS, "REPORT ZONES", "ZBC-2", "asks for zones"),
	ROW(0x9a, ANY, ALL, REFUSE, "WRITE STREAM (16)", "SBC-4", "writes the medium"),
	ROW(0x9c, ANY, ALL, REFUSE, "WRITE ATOMIC (16)", "SBC-4", "writes the medium"),
	ROW(0x9e, DISK, 0x10, PASS, "READ CAPACITY (16)", "SBC-4", "asks for the capacity"),
	ROW(0x9e, DISK, 0x12, PASS, "GET LBA STATUS (16)", "SBC-4", "asks which blocks are mapped"),
	ROW(0x9e, DISK, 0x17, PASS, "GET PHYSICAL ELEMENT STATUS", "SBC-4", "asks for the state of heads"),
	ROW(0x9e, ANY, ALL, REFUSE, "SERVICE ACTION IN (16), others", "SBC-4", "not needed"),
	ROW(0x9f, ANY, ALL, REFUSE, "SERVICE ACTION OUT (16)", "SBC-4", "writes, depopulates or marks sectors"),
	ROW(0xa0, ANY, ALL, PASS, "REPORT LUNS", "SPC-6", "asks which units there are"),
	ROW(0xa1, DISK, ALL, PASS, "ATA PASS-THROUGH (12)", "SAT-5", "judged by the ATA command inside"),
	ROW(0xa1, CD, ALL, REFUSE, "BLANK", "MMC-6", "erases the medium"),
	ROW(0xa2, DISK, 0x00, PASS, "SECURITY PROTOCOL IN: information", "SPC-6", "asks for protocols"),
	ROW(0xa2, DISK, 0x01, PASS, "SECURITY PROTOCOL IN: TCG level 0 discovery", "TCG Storage Core", "asks whether the disk is locked"),
	ROW(0xa2, DISK, 0xef, PASS, "SECURITY PROTOCOL IN: ATA security", "SAT-5", "asks for the ATA security state"),
	ROW(0xa2, ANY, ALL, REFUSE, "SECURITY PROTOCOL IN, others", "SPC-6", "may be part of a session that changes the device"),
	ROW(0xa3, DISK, 0x05, PASS, "REPORT IDENTIFYING INFORMATION", "SPC-6", "asks for identity"),
	ROW(0xa3, DISK, 0x0a, PASS, "REPORT TARGET PORT GROUPS", "SPC-6", "asks for paths"),
	ROW(0xa3, DISK, 0x0c, PASS, "REPORT SUPPORTED OPERATION CODES", "SPC-6", "asks for commands"),
	ROW(0xa3, DISK, 0x0d, PASS, "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", "SPC-6", "asks for functions"),
	ROW(0xa3, DISK, 0x0e, PASS, "REPORT PRIORITY", "SPC-6", "asks for priorities"),
	ROW(0xa3, DISK, 0x0f, PASS, "REPORT TIMESTAMP", "SPC-6", "asks for the device's clock"),
	ROW(0xa3, CD, ALL, REFUSE, "SEND KEY", "MMC-6", "may set the drive's region"),
	ROW(0xa4, DISK, ALL, REFUSE, "MAINTENANCE OUT", "SPC-6", "changes paths, identity or clock"),
	ROW(0xa4, CD, ALL, REFUSE, "REPORT KEY", "MMC-6", "grants keys that change the drive's state; encrypted DVD-Video stays unreadable"),
	ROW(0xa8, DISK, ALL, PASS, "READ (12)", "SBC-4", "reads the medium"),
	ROW(0xa8, CD, ALL, PASS, "READ (12)", "MMC-6", "reads the medium"),
	ROW(0xaa, DISK, ALL, WRITE, "WRITE (12)", "SBC-4", "writes the medium"),
	ROW(0xaa, CD, ALL, REFUSE, "WRITE (12)", "MMC-6", "writes the medium"),
	ROW(0xac, CD, ALL, PASS, "GET PERFORMANCE", "MMC-6", "asks for speeds"),
	ROW(0xad, CD, ALL, PASS, "READ DISC STRUCTURE", "MMC-6", "reads what the disc is"),
	ROW(0xae, DISK, ALL, WRITE, "WRITE AND VERIFY (12)", "SBC-4", "writes the medium"),
	ROW(0xaf, DISK, SUB_PLAIN, PASS, "VERIFY (12) without data", "SBC-4", "reads the medium and compares with nothing"),
	ROW(0xaf, DISK, ALL, REFUSE, "VERIFY (12) with data", "SBC-4", "not needed"),
	ROW(0xb5, ANY, ALL, REFUSE, "SECURITY PROTOCOL OUT", "SPC-6", "locks, unlocks, erases"),
	ROW(0xb7, DISK, ALL, PASS, "READ DEFECT DATA (12)", "SBC-4", "reads the list of defects"),
	ROW(0xb9, CD, ALL, PASS, "READ CD MSF", "MMC-6", "reads the medium"),
	ROW(0xbe, CD, ALL, PASS, "READ CD", "MMC-6", "reads the medium"),
	ROW(0xbf, ANY, ALL, REFUSE, "SEND DISC STRUCTURE", "MMC-6", "prepares a recording"),
};

const struct guard_table guard_scsi_table = {
	.set = "scsi", .rules = rules, .count = ARRAY_SIZE(rules),
};

static u8 kind_of(u8 device_type)
{
	switch (device_type) {
	case 0x00:	/* direct access */
	case 0x07:	/* optical memory */
	case 0x0e:	/* reduced block commands */
	case 0x14:	/* zoned */
		return GUARD_DISK;
	case 0x04:	/* write once */
	case 0x05:
		return GUARD_CD;
	}
	return GUARD_OTHER;
}

/* SECURITY PROTOCOL IN: of TCG (01h) only the discovery, ComID 0001h. */
static u16 security_protocol(const u8 *cdb)
{
	if (cdb[1] == 0x01 && get_unaligned_be16(cdb + 2) != 0x0001)
		return SUB_OTHER;
	return cdb[1];
}

/**
 * guard_decode_scsi - what a CDB asks for
 * @cdb: 32 bytes; a shorter command is followed by zeros
 * @device_type: peripheral device type, or anything else while it is unknown
 */
struct guard_command guard_decode_scsi(const u8 *cdb, u8 device_type)
{
	struct guard_command command = {
		.opcode = cdb[0], .kind = kind_of(device_type), .sub = SUB_PLAIN,
	};

	switch (cdb[0]) {
	case 0x1b:	/* power condition, LOEJ and START; NO_FLUSH is neither */
		command.sub = cdb[4] & 0xf3;
		break;
	case 0x2f:	/* VERIFY: BYTCHK */
	case 0x8f:
	case 0xaf:
		command.sub = (cdb[1] >> 1) & 0x03;
		break;
	case 0x3c:	/* READ BUFFER: mode, and what is specific to it */
		command.sub = cdb[1];
		break;
	case 0x4d:	/* LOG SENSE: SP */
		command.sub = cdb[1] & 0x01;
		break;
	case 0x7f:	/* variable length: service action */
		command.sub = get_unaligned_be16(cdb + 8);
		break;
	case 0x95:	/* service actions */
	case 0x9e:
	case 0xa3:
		command.sub = cdb[1] & 0x1f;
		break;
	case 0xa2:
		command.sub = security_protocol(cdb);
		break;
	}
	return command;
}

/* Does @cdb carry an ATA command, for a device that is no optical drive? */
bool guard_scsi_is_ata(const u8 *cdb)
{
	return cdb[0] == 0x85 || cdb[0] == 0xa1 ||
	       (cdb[0] == 0x7f && get_unaligned_be16(cdb + 8) == 0x1ff0);
}
