// SPDX-License-Identifier: GPL-2.0
/*
 * UFS requests beside SCSI commands: JESD220F, clause 10.7. The opcode is the
 * query's, or FFh for NOP OUT, which has none.
 */
#include <linux/kernel.h>
#include "policy.h"

#define ROW(_opcode, _sub, _verdict, _name, _reason) {				\
	.opcode = _opcode, .kinds = GUARD_ANY, .sub = _sub,			\
	.verdict = GUARD_##_verdict, .name = _name,				\
	.standard = "JESD220F", .reason = _reason }
#define ALL	GUARD_ALL

#define TRANSACTION_NOP_OUT	0x00
#define TRANSACTION_QUERY	0x16
#define NOP_OUT			0xff
#define OTHER			0xfe

static const struct guard_rule rules[] = {
	ROW(0x00, ALL, REFUSE, "NOP query", "not needed"),
	ROW(0x01, ALL, PASS, "READ DESCRIPTOR", "asks for identity and settings"),
	ROW(0x02, ALL, REFUSE, "WRITE DESCRIPTOR", "changes the configuration"),
	ROW(0x03, ALL, PASS, "READ ATTRIBUTE", "asks for a setting"),
	ROW(0x04, 0x0d, DRIVER, "WRITE ATTRIBUTE: wExceptionEventControl", "which events are told; volatile"),
	ROW(0x04, ALL, REFUSE, "WRITE ATTRIBUTE, others", "change settings, some of them lasting"),
	ROW(0x05, ALL, PASS, "READ FLAG", "asks for a setting"),
	ROW(0x06, 0x01, DRIVER, "SET FLAG: fDeviceInit", "without it the device does not start; it clears itself"),
	ROW(0x06, ALL, REFUSE, "SET FLAG, others", "write protection, background operations, purge"),
	ROW(0x07, 0x04, DRIVER, "CLEAR FLAG: fBackgroundOpsEn", "keeps the device from rearranging data by itself; volatile"),
	ROW(0x07, ALL, REFUSE, "CLEAR FLAG, others", "change settings"),
	ROW(0x08, ALL, REFUSE, "TOGGLE FLAG", "changes a setting"),
	ROW(NOP_OUT, ALL, DRIVER, "NOP OUT", "asks whether the device is there"),
};

const struct guard_table guard_ufs_table = {
	.set = "ufs-query", .rules = rules, .count = ARRAY_SIZE(rules),
};

/**
 * guard_decode_ufs - what a request asks for
 * @transaction: transaction code
 * @query: opcode of a query
 * @idn: identifier of the descriptor, attribute or flag
 */
struct guard_command guard_decode_ufs(u8 transaction, u8 query, u8 idn)
{
	struct guard_command command = { .kind = GUARD_ANY };

	switch (transaction) {
	case TRANSACTION_NOP_OUT:
		command.opcode = NOP_OUT;
		break;
	case TRANSACTION_QUERY:
		/* A vendor's own query must not be taken for NOP OUT. */
		command.opcode = query == NOP_OUT ? OTHER : query;
		command.sub = idn;
		break;
	default:
		command.opcode = OTHER;
		break;
	}
	return command;
}
