// SPDX-License-Identifier: GPL-2.0
/* One command at a gate: judged by its table, counted, told when refused. */
#include "command.h"

/* A disk that is not there is not writable. */
bool guard_disk_writable(const struct gendisk *disk)
{
	return disk && !evidence_guard_blocks(&disk->guard);
}

/**
 * guard_refuse_command - tells of a command that is not sent
 * @asking: who asked
 * @command: for what
 *
 * In an RCU read-side section where the disk could go away meanwhile.
 */
void guard_refuse_command(const struct guard_asking *asking,
			  const struct guard_command *command)
{
	if (asking->disk)
		atomic64_inc(&asking->disk->guard.refused);
	guard_event(asking->disk, &(struct guard_event) {
		.kind = GUARD_EVENT_REFUSED, .op = "command",
		.sector = GUARD_NO_SECTOR, .set = asking->table->set,
		.opcode = command->opcode, .sub = command->sub,
		.by_driver = asking->by_driver, .device = asking->device });
}

/**
 * guard_command - judges, counts and tells
 * @asking: who asks
 * @command: for what
 */
enum guard_answer guard_command(const struct guard_asking *asking,
				const struct guard_command *command)
{
	int row = guard_find(asking->table, command);
	enum guard_answer answer = guard_judge(asking->table, row,
					       asking->by_driver,
					       asking->writable);

	guard_count(asking->recorder, asking->table, row, command->opcode,
		    answer);
	if (answer == GUARD_REFUSED)
		guard_refuse_command(asking, command);
	return answer;
}
