// SPDX-License-Identifier: GPL-2.0
/*
 * The gate of the TPM: before a command goes to the chip. Its driver asks at
 * discovery and for the files of sysfs; its device nodes are closed.
 */
#include <linux/tpm.h>
#include <linux/unaligned.h>
#include "command.h"

/* A command and an answer begin alike: tag, length, code. */
#define LENGTH_AT	2
#define CODE_AT		6

/* TPM_TAG_RSP_COMMAND, TPM_BAD_ORDINAL of 1.2 */
#define TPM1_ANSWER	0x00c4
#define TPM1_REFUSED	10

/*
 * What the tag says, not the flag of the chip: that isn't set before the
 * first answer. A chip of one version takes no tag of the other.
 */
static bool is_tpm2(const u8 *buffer)
{
	u16 tag = get_unaligned_be16(buffer);

	return tag == TPM2_ST_NO_SESSIONS || tag == TPM2_ST_SESSIONS;
}

/**
 * evidence_guard_tpm - judges a command; one not sent has its answer in place
 * @chip: the TPM
 * @buffer: the command, at least a header long
 */
bool evidence_guard_tpm(struct tpm_chip *chip, u8 *buffer)
{
	bool tpm2 = is_tpm2(buffer);
	struct guard_asking asking = {
		.table = tpm2 ? &guard_tpm2_table : &guard_tpm1_table,
		.device = dev_name(&chip->dev),
		.by_driver = true,
	};
	struct guard_command command =
		guard_decode_tpm(get_unaligned_be32(buffer + CODE_AT));
	enum guard_answer answer = guard_command(&asking, &command);
	u32 refused = tpm2 ? TPM2_RC_COMMAND_CODE : TPM1_REFUSED;

	if (answer == GUARD_SENT)
		return true;
	put_unaligned_be16(tpm2 ? TPM2_ST_NO_SESSIONS : TPM1_ANSWER, buffer);
	put_unaligned_be32(TPM_HEADER_SIZE, buffer + LENGTH_AT);
	put_unaligned_be32(answer == GUARD_ABSORBED ? 0 : refused,
			   buffer + CODE_AT);
	return false;
}
