// SPDX-License-Identifier: GPL-2.0
/*
 * NVM Express: base specification 2.0 for the admin queue, the NVM, zoned and
 * I/O command sets for the others. The two queues use the same opcodes for
 * different commands.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>
#include "policy.h"

#define ROW(_opcode, _sub, _verdict, _name, _reason) {				\
	.opcode = _opcode, .kinds = GUARD_ANY, .sub = _sub,			\
	.verdict = GUARD_##_verdict, .name = _name,				\
	.standard = "NVM Express 2.0", .reason = _reason }
#define ALL	GUARD_ALL

/* A form of the command that changes what lasts beyond a reset, or a log. */
#define SUB_SAVE	0x100
/* A log that the standard does not define. */
#define SUB_UNKNOWN	0x200

static const struct guard_rule admin_rules[] = {
	ROW(0x00, ALL, DRIVER, "Delete I/O Submission Queue", "a queue in memory"),
	ROW(0x01, ALL, DRIVER, "Create I/O Submission Queue", "a queue in memory"),
	ROW(0x02, SUB_SAVE, REFUSE, "Get Log Page that makes or takes a log", "creates or lets go of telemetry data or a log context"),
	ROW(0x02, SUB_UNKNOWN, REFUSE, "Get Log Page of another log", "what a vendor's log does when it is read is not known"),
	ROW(0x02, ALL, PASS, "Get Log Page of a standard's log", "reads a log"),
	ROW(0x04, ALL, DRIVER, "Delete I/O Completion Queue", "a queue in memory"),
	ROW(0x05, ALL, DRIVER, "Create I/O Completion Queue", "a queue in memory"),
	ROW(0x06, ALL, PASS, "Identify", "asks for identity"),
	ROW(0x08, ALL, DRIVER, "Abort", "ends a command of its own that hangs"),
	ROW(0x09, 0x03, REFUSE, "Set Features: LBA Range Type", "changes a setting that lasts"),
	ROW(0x09, 0x06, REFUSE, "Set Features: Volatile Write Cache", "changes a setting"),
	ROW(0x09, 0x07, DRIVER, "Set Features: Number of Queues", "queues in memory; volatile"),
	ROW(0x09, 0x0b, DRIVER, "Set Features: Asynchronous Event Configuration", "which events are told; volatile"),
	ROW(0x09, 0x0d, DRIVER, "Set Features: Host Memory Buffer", "lends memory to a drive without its own; volatile"),
	ROW(0x09, 0x0e, REFUSE, "Set Features: Timestamp", "sets the device's clock; the driver goes on without"),
	ROW(0x09, 0x16, DRIVER, "Set Features: Host Behavior Support", "how errors are told; volatile"),
	ROW(0x09, 0x17, REFUSE, "Set Features: Sanitize Config", "prepares to destroy the medium"),
	ROW(0x09, 0x81, REFUSE, "Set Features: Host Identifier", "takes part in reservations"),
	ROW(0x09, 0x82, REFUSE, "Set Features: Reservation Notification Mask", "takes part in reservations"),
	ROW(0x09, 0x83, REFUSE, "Set Features: Reservation Persistence", "changes a setting that lasts"),
	ROW(0x09, 0x84, REFUSE, "Set Features: Namespace Write Protection", "changes a setting that may last for ever"),
	ROW(0x09, ALL, REFUSE, "Set Features, others, and any that saves", "change settings"),
	ROW(0x0a, ALL, PASS, "Get Features", "asks for settings"),
	ROW(0x0c, ALL, DRIVER, "Asynchronous Event Request", "waits for an event"),
	ROW(0x0d, ALL, REFUSE, "Namespace Management", "creates and deletes namespaces"),
	ROW(0x10, ALL, REFUSE, "Firmware Commit", "changes the firmware"),
	ROW(0x11, ALL, REFUSE, "Firmware Image Download", "changes the firmware"),
	ROW(0x14, ALL, REFUSE, "Device Self-test", "starts a test, whose result is kept"),
	ROW(0x15, ALL, REFUSE, "Namespace Attachment", "changes what can be seen"),
	ROW(0x18, ALL, DRIVER, "Keep Alive", "says that the host is there"),
	ROW(0x19, ALL, REFUSE, "Directive Send", "changes settings"),
	ROW(0x1a, ALL, REFUSE, "Directive Receive", "one of its operations takes resources"),
	ROW(0x1c, ALL, REFUSE, "Virtualization Management", "changes settings that last"),
	ROW(0x1d, ALL, REFUSE, "NVMe-MI Send", "changes settings"),
	ROW(0x1e, ALL, REFUSE, "NVMe-MI Receive", "not needed"),
	ROW(0x20, ALL, REFUSE, "Capacity Management", "creates and deletes what holds data"),
	ROW(0x24, ALL, REFUSE, "Lockdown", "forbids commands"),
	ROW(0x7c, ALL, DRIVER, "Doorbell Buffer Config", "two pages in memory; volatile"),
	ROW(0x7f, ALL, REFUSE, "Fabrics commands", "no fabrics here"),
	ROW(0x80, ALL, REFUSE, "Format NVM", "destroys the medium"),
	ROW(0x81, ALL, REFUSE, "Security Send", "locks, unlocks, erases"),
	ROW(0x82, 0x00, PASS, "Security Receive: information", "asks for protocols"),
	ROW(0x82, 0x01, PASS, "Security Receive: TCG level 0 discovery", "asks whether the disk is locked"),
	ROW(0x82, ALL, REFUSE, "Security Receive, others", "may be part of a session that changes the device"),
	ROW(0x84, ALL, REFUSE, "Sanitize", "destroys the medium"),
	ROW(0x86, ALL, PASS, "Get LBA Status", "asks which blocks can't be read"),
};

static const struct guard_rule io_rules[] = {
	ROW(0x00, ALL, WRITE, "Flush", "makes durable what was written"),
	ROW(0x01, ALL, WRITE, "Write", "writes the medium"),
	ROW(0x02, ALL, PASS, "Read", "reads the medium"),
	ROW(0x04, ALL, REFUSE, "Write Uncorrectable", "marks blocks as unreadable"),
	ROW(0x05, ALL, REFUSE, "Compare", "not needed"),
	ROW(0x08, ALL, WRITE, "Write Zeroes", "writes the medium"),
	ROW(0x09, ALL, WRITE, "Dataset Management", "discards blocks"),
	ROW(0x0c, ALL, PASS, "Verify", "reads the medium and hands nothing out"),
	ROW(0x0d, ALL, REFUSE, "Reservation Register", "changes reservations"),
	ROW(0x0e, ALL, PASS, "Reservation Report", "reads reservations"),
	ROW(0x11, ALL, REFUSE, "Reservation Acquire", "changes reservations"),
	ROW(0x15, ALL, REFUSE, "Reservation Release", "changes reservations"),
	ROW(0x19, ALL, REFUSE, "Copy", "writes the medium"),
	ROW(0x79, ALL, REFUSE, "Zone Management Send", "changes zones"),
	ROW(0x7a, ALL, PASS, "Zone Management Receive", "asks for zones"),
	ROW(0x7d, ALL, REFUSE, "Zone Append", "writes the medium"),
};

const struct guard_table guard_nvme_admin_table = {
	.set = "nvme-admin", .rules = admin_rules,
	.count = ARRAY_SIZE(admin_rules),
};

const struct guard_table guard_nvme_io_table = {
	.set = "nvme-io", .rules = io_rules, .count = ARRAY_SIZE(io_rules),
};

/*
 * Log Page Identifiers of the base specification and the zoned command set,
 * from one to another. Left out is the reservation notification log (80h), of
 * which each read takes an entry.
 */
static const struct {
	u8 from, to;
} known_logs[] = {
	{ 0x00, 0x0d }, { 0x0f, 0x16 }, { 0x70, 0x70 }, { 0x81, 0x81 },
	{ 0xbf, 0xbf },
};

/* Some log pages change when they are read in one way, not in another. */
static u16 log_page(u32 dword10)
{
	u8 page = dword10 & 0xff, parameter = dword10 >> 8 & 0x7f;
	bool retain = dword10 & BIT(15);
	size_t i;

	switch (page) {
	case 0x07:	/* Telemetry Host-Initiated: Create Data */
		return parameter & 0x01 ? SUB_SAVE : 0;
	case 0x08:	/* Telemetry Controller-Initiated: what is read may go */
		return retain ? 0 : SUB_SAVE;
	case 0x0d:	/* Persistent Event: establish or release a context */
		return parameter & 0x03 ? SUB_SAVE : 0;
	}
	for (i = 0; i < ARRAY_SIZE(known_logs); i++)
		if (page >= known_logs[i].from && page <= known_logs[i].to)
			return 0;
	return SUB_UNKNOWN;
}

/* Security Protocol, Security Protocol Specific: of TCG only the discovery. */
static u16 security_protocol(u32 dword10)
{
	u8 protocol = dword10 >> 24;

	if (protocol == 0x01 && (dword10 >> 8 & 0xffff) != 0x0001)
		return SUB_SAVE;
	return protocol;
}

/**
 * guard_decode_nvme_admin - what an admin command asks for
 * @dword: the command
 */
struct guard_command guard_decode_nvme_admin(const __le32 *dword)
{
	u32 dword10 = le32_to_cpu(dword[10]);
	struct guard_command command = {
		.opcode = le32_to_cpu(dword[0]) & 0xff, .kind = GUARD_ANY,
	};

	switch (command.opcode) {
	case 0x02:
		command.sub = log_page(dword10);
		break;
	case 0x09:	/* feature; bit 31 asks to save it */
		command.sub = (dword10 & 0xff) |
			      (dword10 >> 31 ? SUB_SAVE : 0);
		break;
	case 0x82:
		command.sub = security_protocol(dword10);
		break;
	}
	return command;
}

/**
 * guard_decode_nvme_io - what an I/O command asks for
 * @dword: the command
 */
struct guard_command guard_decode_nvme_io(const __le32 *dword)
{
	return (struct guard_command) {
		.opcode = le32_to_cpu(dword[0]) & 0xff, .kind = GUARD_ANY,
	};
}
