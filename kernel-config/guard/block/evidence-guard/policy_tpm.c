// SPDX-License-Identifier: GPL-2.0
/*
 * Commands of the TPM: TCG, TPM 2.0 Library, part 2, TPM_CC; TPM Main 1.2,
 * part 2, ordinals. The opcode is the low byte of the command code, the
 * sub-code what is above it. No program reaches the chip.
 */
#include <linux/kernel.h>
#include "policy.h"

#define ROW(_opcode, _sub, _verdict, _name, _standard, _reason) {		\
	.opcode = _opcode, .kinds = GUARD_ANY, .sub = _sub,			\
	.verdict = GUARD_##_verdict, .name = _name,				\
	.standard = _standard, .reason = _reason }
#define TPM2	"TPM 2.0"
#define TPM1	"TPM 1.2"

static const struct guard_rule tpm2_rules[] = {
	ROW(0x26, 0x01, REFUSE, "Clear", TPM2, "destroys the keys of the owner"),
	ROW(0x37, 0x01, REFUSE, "NV_Write", TPM2, "writes the chip's memory"),
	ROW(0x3d, 0x01, REFUSE, "PCR_Reset", TPM2, "changes what the boot measured"),
	ROW(0x43, 0x01, DRIVER, "SelfTest", TPM2, "tests the chip and stores nothing"),
	ROW(0x44, 0x01, REFUSE, "Startup", TPM2, "starts what the firmware left off, and counts it"),
	ROW(0x45, 0x01, ABSORB, "Shutdown", TPM2, "stores the chip's state"),
	ROW(0x7a, 0x01, DRIVER, "GetCapability", TPM2, "asks for properties"),
	ROW(0x7c, 0x01, DRIVER, "GetTestResult", TPM2, "asks for status"),
	ROW(0x7e, 0x01, DRIVER, "PCR_Read", TPM2, "reads what the boot measured"),
	ROW(0x82, 0x01, REFUSE, "PCR_Extend", TPM2, "changes what the boot measured"),
};

static const struct guard_rule tpm1_rules[] = {
	ROW(0x14, 0x00, REFUSE, "Extend", TPM1, "changes what the boot measured"),
	ROW(0x15, 0x00, DRIVER, "PCRRead", TPM1, "reads what the boot measured"),
	ROW(0x53, 0x00, DRIVER, "ContinueSelfTest", TPM1, "tests the chip and stores nothing"),
	ROW(0x5d, 0x00, REFUSE, "ForceClear", TPM1, "destroys the keys of the owner"),
	ROW(0x65, 0x00, DRIVER, "GetCapability", TPM1, "asks for properties"),
	ROW(0x98, 0x00, ABSORB, "SaveState", TPM1, "stores the chip's state"),
	ROW(0x99, 0x00, REFUSE, "Startup", TPM1, "starts what the firmware left off"),
	ROW(0xc8, 0x00, REFUSE, "PCR_Reset", TPM1, "changes what the boot measured"),
	ROW(0xcd, 0x00, REFUSE, "NV_WriteValue", TPM1, "writes the chip's memory"),
};

const struct guard_table guard_tpm2_table = {
	.set = "tpm2", .rules = tpm2_rules, .count = ARRAY_SIZE(tpm2_rules),
};

const struct guard_table guard_tpm1_table = {
	.set = "tpm1", .rules = tpm1_rules, .count = ARRAY_SIZE(tpm1_rules),
};

/**
 * guard_decode_tpm - what the command code says
 * @code: the command code, or the ordinal
 */
struct guard_command guard_decode_tpm(u32 code)
{
	return (struct guard_command) {
		.opcode = code & 0xff, .kind = GUARD_ANY,
		/* Codes of vendors have bit 29 set, or bit 30 of 1.2. */
		.sub = min(code >> 8, GUARD_ALL - 1U),
	};
}
