// SPDX-License-Identifier: GPL-2.0
/*
 * The flight recorder: how often each command was sent to a device, absorbed
 * or refused, from the device's discovery on, and the file that shows it.
 */
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include "command.h"

#ifdef CONFIG_EVIDENCE_GUARD_RECORDER

/* A line of guard/commands, with its newline. */
#define LINE_SIZE	96

#define SLOTS		(EVIDENCE_GUARD_ROWS + 256)

/* Orders the first appearances of commands: seldom taken. */
static DEFINE_SPINLOCK(order_lock);

/* Not inlined: the path of every later command saves no registers for it. */
static noinline void note_first(struct evidence_guard_recorder *recorder,
				const struct guard_table *table,
				unsigned int slot)
{
	unsigned long flags;

	spin_lock_irqsave(&order_lock, flags);
	if (!__test_and_set_bit(slot, recorder->seen)) {
		recorder->table = table;
		recorder->order[recorder->used] = slot;
		/* Pairs with the reader: a used place is filled. */
		smp_store_release(&recorder->used, recorder->used + 1);
	}
	spin_unlock_irqrestore(&order_lock, flags);
}

/**
 * guard_count - counts one command
 * @recorder: recorder of the device and command set, or NULL
 * @table: table of the set
 * @row: row of the command, or -1 when it is on none
 * @opcode: its opcode, for a command on no row
 * @answer: what became of it
 */
void guard_count(struct evidence_guard_recorder *recorder,
		 const struct guard_table *table, int row, u8 opcode,
		 enum guard_answer answer)
{
	atomic64_t *count;

	if (!recorder)
		return;
	count = row < 0 ? &recorder->unlisted[opcode] :
		&recorder->count[row][answer];
	if (unlikely(atomic64_inc_return(count) == 1))
		note_first(recorder, table,
			   row < 0 ? EVIDENCE_GUARD_ROWS + opcode : row);
}

/* Takes back a command that the host adapter had no room for. */
void guard_uncount_sent(struct evidence_guard_recorder *recorder, int row)
{
	if (row >= 0)
		atomic64_dec(&recorder->count[row][GUARD_SENT]);
}

static void print_row(char *line, struct evidence_guard_recorder *recorder,
		      unsigned int slot)
{
	/* A recorder is wiped when another device is looked for on a port. */
	const struct guard_table *table = READ_ONCE(recorder->table);
	const struct guard_rule *rule;
	char sub[8] = "-";
	int len = 0;

	if (!table) {
		/* A blank line; the reader's next reading has none. */
	} else if (slot >= EVIDENCE_GUARD_ROWS) {
		len = scnprintf(line, LINE_SIZE, "%s %02x - 0 0 %lld -",
				table->set, slot - EVIDENCE_GUARD_ROWS,
				atomic64_read(&recorder->unlisted[slot - EVIDENCE_GUARD_ROWS]));
	} else {
		rule = &table->rules[slot];
		if (rule->sub != GUARD_ALL)
			snprintf(sub, sizeof(sub), "%02x", rule->sub);
		len = scnprintf(line, LINE_SIZE, "%s %02x %s %lld %lld %lld %s",
				table->set, rule->opcode, sub,
				atomic64_read(&recorder->count[slot][GUARD_SENT]),
				atomic64_read(&recorder->count[slot][GUARD_ABSORBED]),
				atomic64_read(&recorder->count[slot][GUARD_REFUSED]),
				rule->name);
	}
	memset(line + len, ' ', LINE_SIZE - len);
	line[LINE_SIZE - 1] = '\n';
}

/* Prints line @number of all recorders; false when there is none. */
static bool print_line(char *line, struct evidence_guard_recorder *recorder,
		       loff_t number)
{
	for (; recorder; recorder = recorder->next) {
		/* Pairs with note_first(): a place below it is filled. */
		unsigned int used = smp_load_acquire(&recorder->used);

		if (number < used) {
			print_row(line, recorder, recorder->order[number]);
			return true;
		}
		number -= used;
	}
	return false;
}

/*
 * Every line has the same length and, within its set, keeps its place, so
 * that a reader in several pieces gets whole lines.
 */
ssize_t guard_commands_read(struct file *file, struct kobject *kobj,
			    struct bin_attribute *attr, char *to, loff_t off,
			    size_t count)
{
	struct gendisk *disk = dev_to_disk(kobj_to_dev(kobj));
	char line[LINE_SIZE];
	size_t copied = 0;

	while (copied < count) {
		size_t from = (off + copied) % LINE_SIZE;
		size_t len = min(count - copied, LINE_SIZE - from);

		if (!print_line(line, disk->guard.recorder,
				(off + copied) / LINE_SIZE))
			break;
		memcpy(to + copied, line + from, len);
		copied += len;
	}
	return copied;
}

#else /* CONFIG_EVIDENCE_GUARD_RECORDER */

ssize_t guard_commands_read(struct file *file, struct kobject *kobj,
			    struct bin_attribute *attr, char *to, loff_t off,
			    size_t count)
{
	return 0;
}

#endif /* CONFIG_EVIDENCE_GUARD_RECORDER */
