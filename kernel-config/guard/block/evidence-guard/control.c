// SPDX-License-Identifier: GPL-2.0
/* The guard's own files, under securityfs evidence_guard/. */
#define pr_fmt(fmt) "evidence_guard: " fmt

#include <linux/capability.h>
#include <linux/init.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>
#include "guard.h"
#include "policy.h"

#define INTERFACE_VERSION "2"

static int version_show(struct seq_file *m, void *unused)
{
	seq_puts(m, INTERFACE_VERSION "\n");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(version);

static void show_id(const struct guard_id *id, void *data)
{
	seq_printf(data, "%s %s\n", guard_id_names[id->kind], id->value);
}

static int evidence_show(struct seq_file *m, void *unused)
{
	guard_evidence_walk(show_id, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(evidence);

static void show_rule(struct seq_file *m, const char *set,
		      const struct guard_rule *rule)
{
	static const char * const kinds[] = {
		[GUARD_DISK] = "-disk", [GUARD_CD] = "-cd",
		[GUARD_OTHER] = "-other",
		[GUARD_DISK | GUARD_CD] = "-disk-cd", [GUARD_ANY] = "",
	};

	seq_printf(m, "%s%s\t%02x\t", set, kinds[rule->kinds], rule->opcode);
	if (rule->sub == GUARD_ALL)
		seq_putc(m, '-');
	else
		seq_printf(m, "%02x", rule->sub);
	seq_printf(m, "\t%s\t%s\t%s\t%s\n", rule->name, rule->standard,
		   guard_verdict_name(rule->verdict), rule->reason);
}

static int policy_show(struct seq_file *m, void *unused)
{
	unsigned int i, row;

	for (i = 0; i < guard_table_count; i++)
		for (row = 0; row < guard_tables[i]->count; row++)
			show_rule(m, guard_tables[i]->set,
				  &guard_tables[i]->rules[row]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(policy);

static ssize_t seal_read(struct file *file, char __user *to, size_t count,
			 loff_t *pos)
{
	return simple_read_from_buffer(to, count, pos,
				       guard_sealed() ? "1\n" : "0\n", 2);
}

static ssize_t seal_write(struct file *file, const char __user *from,
			  size_t count, loff_t *pos)
{
	bool wish;
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	ret = kstrtobool_from_user(from, count, &wish);
	if (ret)
		return ret;
	if (!wish)
		return -EINVAL;
	guard_seal();
	return count;
}

static const struct file_operations seal_fops = {
	.read	= seal_read,
	.write	= seal_write,
	.llseek	= default_llseek,
};

static const struct {
	const char *name;
	umode_t mode;
	const struct file_operations *fops;
} files[] = {
	{ "seal",	0600, &seal_fops },
	{ "evidence",	0400, &evidence_fops },
	{ "events",	0400, &guard_events_fops },
	{ "policy",	0444, &policy_fops },
	/* Last: its presence tells that the others are there. */
	{ "version",	0444, &version_fops },
};

/*
 * Without its files the guard still blocks; user space, finding no version,
 * refuses to work.
 */
static int __init guard_files_init(void)
{
	struct dentry *dir, *file;
	size_t i;

	dir = securityfs_create_dir("evidence_guard", NULL);
	if (IS_ERR(dir)) {
		pr_err("no control files: %ld\n", PTR_ERR(dir));
		return PTR_ERR(dir);
	}
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		file = securityfs_create_file(files[i].name, files[i].mode, dir,
					      NULL, files[i].fops);
		if (IS_ERR(file)) {
			pr_err("no control file %s: %ld\n", files[i].name,
			       PTR_ERR(file));
			return PTR_ERR(file);
		}
	}
	pr_info("in force, interface version " INTERFACE_VERSION "\n");
	return 0;
}
fs_initcall(guard_files_init);
