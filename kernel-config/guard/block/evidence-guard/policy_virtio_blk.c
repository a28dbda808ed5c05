// SPDX-License-Identifier: GPL-2.0
/* Requests of virtio block devices: virtio 1.2, clause 5.2.6. */
#include <linux/kernel.h>
#include "policy.h"

#define ROW(_opcode, _verdict, _name, _reason) {				\
	.opcode = _opcode, .kinds = GUARD_ANY, .sub = GUARD_ALL,		\
	.verdict = GUARD_##_verdict, .name = _name,				\
	.standard = "virtio 1.2", .reason = _reason }

static const struct guard_rule rules[] = {
	ROW(0, PASS, "IN", "reads the medium"),
	ROW(1, WRITE, "OUT", "writes the medium"),
	ROW(4, WRITE, "FLUSH", "makes durable what was written"),
	ROW(8, PASS, "GET_ID", "asks for identity"),
	ROW(11, WRITE, "DISCARD", "discards blocks"),
	ROW(13, WRITE, "WRITE_ZEROES", "writes the medium"),
	ROW(14, REFUSE, "SECURE_ERASE", "destroys data"),
	ROW(15, REFUSE, "ZONE_APPEND", "writes the medium"),
	ROW(16, PASS, "ZONE_REPORT", "asks for zones"),
	ROW(18, REFUSE, "ZONE_OPEN", "changes zones"),
	ROW(20, REFUSE, "ZONE_CLOSE", "changes zones"),
	ROW(22, REFUSE, "ZONE_FINISH", "changes zones"),
	ROW(24, REFUSE, "ZONE_RESET", "discards blocks"),
	ROW(26, REFUSE, "ZONE_RESET_ALL", "discards blocks"),
};

const struct guard_table guard_virtio_blk_table = {
	.set = "virtio-blk", .rules = rules, .count = ARRAY_SIZE(rules),
};
