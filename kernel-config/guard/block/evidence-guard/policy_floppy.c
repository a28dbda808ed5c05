// SPDX-License-Identifier: GPL-2.0
/*
 * Commands of the floppy disk controller: Intel 82077AA data sheet, "command
 * set". The opcode is the low five bits of the first byte.
 */
#include <linux/kernel.h>
#include "policy.h"

#define ROW(_opcode, _verdict, _name, _reason) {				\
	.opcode = _opcode, .kinds = GUARD_ANY, .sub = GUARD_ALL,		\
	.verdict = GUARD_##_verdict, .name = _name,				\
	.standard = "82077AA", .reason = _reason }

static const struct guard_rule rules[] = {
	ROW(0x02, PASS, "READ TRACK", "reads the medium"),
	ROW(0x04, PASS, "SENSE DRIVE STATUS", "asks for status"),
	ROW(0x05, WRITE, "WRITE DATA", "writes the medium"),
	ROW(0x06, PASS, "READ DATA", "reads the medium"),
	ROW(0x07, DRIVER, "RECALIBRATE", "moves the head"),
	ROW(0x09, REFUSE, "WRITE DELETED DATA", "writes the medium"),
	ROW(0x0a, PASS, "READ ID", "reads the medium"),
	ROW(0x0c, PASS, "READ DELETED DATA", "reads the medium"),
	ROW(0x0d, REFUSE, "FORMAT TRACK", "destroys the medium"),
	ROW(0x0f, DRIVER, "SEEK", "moves the head"),
	ROW(0x16, PASS, "VERIFY", "reads the medium and hands nothing out"),
};

const struct guard_table guard_floppy_table = {
	.set = "floppy", .rules = rules, .count = ARRAY_SIZE(rules),
};
