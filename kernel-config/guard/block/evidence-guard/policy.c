// SPDX-License-Identifier: GPL-2.0
/* Reading the policy tables. */
#include <linux/kernel.h>
#include "policy.h"

const struct guard_table *const guard_tables[] = {
	&guard_scsi_table,
	&guard_ata_table,
	&guard_nvme_admin_table,
	&guard_nvme_io_table,
	&guard_mmc_table,
	&guard_mmc_app_table,
	&guard_ufs_table,
	&guard_virtio_blk_table,
	&guard_floppy_table,
	&guard_tpm2_table,
	&guard_tpm1_table,
};

const unsigned int guard_table_count = ARRAY_SIZE(guard_tables);

const char *guard_verdict_name(enum guard_verdict verdict)
{
	switch (verdict) {
	case GUARD_REFUSE:
		return "refuse";
	case GUARD_PASS:
		return "pass";
	case GUARD_DRIVER:
		return "driver";
	case GUARD_WRITE:
		return "write";
	case GUARD_ABSORB:
		return "absorb";
	}
	return "unknown";
}

/* The first row whose opcode is not below @opcode. */
static unsigned int first_row(const struct guard_table *table, u8 opcode)
{
	unsigned int low = 0, high = table->count;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (table->rules[middle].opcode < opcode)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/**
 * guard_find - finds the row of a command
 * @table: table of its command set
 * @command: the command
 *
 * Return: number of the row, or -1 when there is none.
 */
int guard_find(const struct guard_table *table,
	       const struct guard_command *command)
{
	unsigned int row;

	for (row = first_row(table, command->opcode); row < table->count; row++) {
		const struct guard_rule *rule = &table->rules[row];

		if (rule->opcode != command->opcode)
			break;
		if ((rule->kinds & command->kind) &&
		    (rule->sub == command->sub || rule->sub == GUARD_ALL))
			return row;
	}
	return -1;
}

/**
 * guard_judge - what becomes of a command
 * @table: table of its command set
 * @row: its row from guard_find()
 * @by_driver: a driver of the kernel asks, not a program
 * @writable: it goes to a disk that is writable
 */
enum guard_answer guard_judge(const struct guard_table *table, int row,
			      bool by_driver, bool writable)
{
	if (row < 0)
		return GUARD_REFUSED;
	switch (table->rules[row].verdict) {
	case GUARD_PASS:
		return GUARD_SENT;
	case GUARD_DRIVER:
		return by_driver ? GUARD_SENT : GUARD_REFUSED;
	case GUARD_WRITE:
		return writable ? GUARD_SENT : GUARD_REFUSED;
	case GUARD_ABSORB:
		if (writable)
			return GUARD_SENT;
		return by_driver ? GUARD_ABSORBED : GUARD_REFUSED;
	case GUARD_REFUSE:
		break;
	}
	return GUARD_REFUSED;
}
