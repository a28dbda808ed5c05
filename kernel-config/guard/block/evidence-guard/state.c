// SPDX-License-Identifier: GPL-2.0
/*
 * States of a disk, the changes between them, and the memory of what was
 * evidence in this boot.
 */
#define pr_fmt(fmt) "evidence_guard: " fmt

#include <linux/capability.h>
#include <linux/list.h>
#include <linux/major.h>
#include <linux/mmc/card.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include "guard.h"

struct remembered {
	struct list_head node;
	struct guard_id id;
};

/* A disk that was made writable, and what it was known by then. */
struct destination {
	struct list_head node;
	struct gendisk *disk;
	struct guard_identity identity;
};

/* Orders all changes of state but that of a changed medium; taken before a
 * disk's open_mutex.
 */
static DEFINE_MUTEX(guard_mutex);
/* Disks that were made writable and are still there. */
static LIST_HEAD(destinations);
/* Identifiers of what was evidence. Only ever grows. */
static LIST_HEAD(evidence_memory);
static bool sealed;

/*
 * Block devices without hardware of their own. A driver that is not here is
 * guarded, whether or not it names a parent device.
 */
static const struct {
	int major;
	const char *reason;
} virtual_disks[] = {
	{ LOOP_MAJOR, "a file; the disk that holds it is guarded" },
};

const char *guard_state_name(int state)
{
	switch (state) {
	case EVIDENCE_GUARD_BLOCKED:
		return "blocked";
	case EVIDENCE_GUARD_EVIDENCE:
		return "evidence";
	case EVIDENCE_GUARD_WRITABLE:
		return "writable";
	case EVIDENCE_GUARD_VIRTUAL:
		return "virtual";
	}
	return "unknown";
}

static bool disk_is_virtual(const struct gendisk *disk)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(virtual_disks); i++)
		if (disk->major == virtual_disks[i].major)
			return true;
	return false;
}

/* Is @identity, in any of its identifiers, one that was evidence? */
static bool was_evidence(const struct guard_identity *identity)
{
	const struct remembered *known;
	unsigned int i;

	lockdep_assert_held(&guard_mutex);
	list_for_each_entry(known, &evidence_memory, node)
		for (i = 0; i < identity->count; i++)
			if (guard_id_same_device(&known->id, &identity->id[i]))
				return true;
	return false;
}

/*
 * Is a disk with this identity, in any of its identifiers, writable? It may be
 * the same disk on another path, another area of it, or another disk of a
 * careless maker.
 */
static bool is_destination(const struct guard_identity *identity)
{
	const struct destination *known;
	unsigned int i, j;

	lockdep_assert_held(&guard_mutex);
	list_for_each_entry(known, &destinations, node) {
		if (atomic_read(&known->disk->guard.state) !=
		    EVIDENCE_GUARD_WRITABLE)
			continue;
		for (i = 0; i < known->identity.count; i++)
			for (j = 0; j < identity->count; j++)
				if (guard_id_same_device(&known->identity.id[i],
							 &identity->id[j]))
					return true;
	}
	return false;
}

static void forget_destination(const struct gendisk *disk)
{
	struct destination *known, *next;

	lockdep_assert_held(&guard_mutex);
	list_for_each_entry_safe(known, next, &destinations, node)
		if (known->disk == disk) {
			list_del(&known->node);
			kfree(known);
		}
}

static int remember_evidence(const struct guard_identity *identity)
{
	struct remembered *entry, *next;
	LIST_HEAD(added);
	unsigned int i;

	lockdep_assert_held(&guard_mutex);
	for (i = 0; i < identity->count; i++) {
		entry = kzalloc(sizeof(*entry), GFP_KERNEL);
		if (!entry) {
			list_for_each_entry_safe(entry, next, &added, node)
				kfree(entry);
			return -ENOMEM;
		}
		entry->id = identity->id[i];
		list_add_tail(&entry->node, &added);
	}
	list_splice_tail(&added, &evidence_memory);
	return 0;
}

void guard_evidence_walk(void (*show)(const struct guard_id *id, void *data),
			 void *data)
{
	const struct remembered *known;

	mutex_lock(&guard_mutex);
	list_for_each_entry(known, &evidence_memory, node)
		show(&known->id, data);
	mutex_unlock(&guard_mutex);
}

#ifdef CONFIG_MMC
/*
 * The gate of SD and MMC sees the card only; this tells it how many of the
 * card's areas, each of them a disk, are writable.
 */
static void tell_card(struct gendisk *disk, int more)
{
	struct device *dev = disk_to_dev(disk)->parent;

	for (; dev; dev = dev->parent)
		if (dev->bus && !strcmp(dev->bus->name, "mmc")) {
			atomic_add(more, &container_of(dev, struct mmc_card,
						       dev)->guard_writable);
			return;
		}
}
#else
static void tell_card(struct gendisk *disk, int more) { }
#endif

/* The one place where a state changes after birth. */
static void set_state(struct gendisk *disk, int from, int to)
{
	lockdep_assert_held(&guard_mutex);
	if (from == EVIDENCE_GUARD_WRITABLE)
		tell_card(disk, -1);
	atomic_set(&disk->guard.state, to);
	if (to == EVIDENCE_GUARD_WRITABLE)
		tell_card(disk, 1);
	pr_info("%s: %s -> %s\n", disk->disk_name, guard_state_name(from),
		guard_state_name(to));
	guard_event(disk, &(struct guard_event) {
		.kind = GUARD_EVENT_STATE, .from = from, .to = to });
}

static int become_evidence(struct gendisk *disk, int from)
{
	struct guard_identity *identity;
	int ret;

	if (from == EVIDENCE_GUARD_EVIDENCE)
		return 0;
	/* A destination is flushed and blocked before it can be evidence. */
	if (from != EVIDENCE_GUARD_BLOCKED)
		return -EINVAL;

	identity = kzalloc(sizeof(*identity), GFP_KERNEL);
	if (!identity)
		return -ENOMEM;
	/* A lock that could not be remembered is no lock: say so. */
	ret = guard_identify(disk, identity);
	/* What is written through another name can't be evidence. */
	if (!ret && is_destination(identity))
		ret = -EBUSY;
	if (!ret)
		ret = remember_evidence(identity);
	kfree(identity);
	if (!ret)
		set_state(disk, from, EVIDENCE_GUARD_EVIDENCE);
	return ret;
}

/* May a disk with this identity, named @serial by the examiner, be written? */
static int check_destination(const struct guard_identity *identity,
			     const char *serial)
{
	bool has_serial = false, named = false;
	unsigned int i;

	if (was_evidence(identity))
		return -EPERM;
	for (i = 0; i < identity->count; i++) {
		if (!guard_id_is_serial(&identity->id[i]))
			continue;
		has_serial = true;
		if (!strcmp(identity->id[i].value, serial))
			named = true;
	}
	if (!has_serial)
		return -ENOKEY;
	return named ? 0 : -EKEYREJECTED;
}

static int become_writable(struct gendisk *disk, int from, const char *serial)
{
	struct destination *destination;
	int ret;

	if (from == EVIDENCE_GUARD_EVIDENCE || sealed)
		return -EPERM;

	destination = kzalloc(sizeof(*destination), GFP_KERNEL);
	if (!destination)
		return -ENOMEM;
	destination->disk = disk;
	ret = guard_identify(disk, &destination->identity);
	if (!ret)
		ret = check_destination(&destination->identity, serial);
	if (ret || from == EVIDENCE_GUARD_WRITABLE) {
		kfree(destination);
		return ret;
	}

	/*
	 * A file system mounted while the disk was blocked may hold changes
	 * that were refused; they must not reach the disk now.
	 */
	mutex_lock(&disk->open_mutex);
	if (disk_openers(disk)) {
		ret = -EBUSY;
		kfree(destination);
	} else {
		forget_destination(disk);
		list_add(&destination->node, &destinations);
		set_state(disk, from, EVIDENCE_GUARD_WRITABLE);
	}
	mutex_unlock(&disk->open_mutex);
	return ret;
}

static int become_blocked(struct gendisk *disk, int from)
{
	int ret = 0;

	if (from == EVIDENCE_GUARD_EVIDENCE)
		return -EPERM;
	if (from == EVIDENCE_GUARD_BLOCKED)
		return 0;

	/*
	 * With nobody having the disk open, all that was written has been
	 * submitted and completed (the last close waits for it). What is left
	 * is the device's own cache: an absorbed flush later on would be a lie.
	 */
	mutex_lock(&disk->open_mutex);
	if (disk_openers(disk))
		ret = -EBUSY;
	else if (blkdev_issue_flush(disk->part0))
		ret = -EIO;
	else
		set_state(disk, from, EVIDENCE_GUARD_BLOCKED);
	mutex_unlock(&disk->open_mutex);
	return ret;
}

/*
 * Where a command was answered, so without a lock: the one change of state
 * besides those above, and towards blocked only. SD and MMC, whose cards are
 * told of changes, get a new disk with each card and never come here.
 */
void guard_medium_changed(struct gendisk *disk)
{
	if (atomic_cmpxchg(&disk->guard.state, EVIDENCE_GUARD_WRITABLE,
			   EVIDENCE_GUARD_BLOCKED) != EVIDENCE_GUARD_WRITABLE)
		return;
	pr_warn("%s: its medium may have changed: writable -> blocked\n",
		disk->disk_name);
	guard_event(disk, &(struct guard_event) {
		.kind = GUARD_EVENT_STATE, .from = EVIDENCE_GUARD_WRITABLE,
		.to = EVIDENCE_GUARD_BLOCKED });
}

int guard_seal(void)
{
	mutex_lock(&guard_mutex);
	if (!sealed) {
		sealed = true;
		pr_info("sealed: no disk becomes writable until power-off\n");
		guard_event(NULL, &(struct guard_event) {
			.kind = GUARD_EVENT_SEALED });
	}
	mutex_unlock(&guard_mutex);
	return 0;
}

bool guard_sealed(void)
{
	return READ_ONCE(sealed);
}

/**
 * evidence_guard_born - a disk is about to be added
 * @disk: disk whose number, name and parent are set
 *
 * The disk has been blocked since its allocation. What is virtual begins to
 * pass here; what was evidence in this boot is evidence again.
 */
void evidence_guard_born(struct gendisk *disk)
{
	struct guard_identity *identity;
	int state = EVIDENCE_GUARD_BLOCKED;

	if (disk_is_virtual(disk)) {
		atomic_set(&disk->guard.state, EVIDENCE_GUARD_VIRTUAL);
		return;
	}

	mutex_lock(&guard_mutex);
	/* Nothing to compare with before the first lock: leave the disk alone. */
	if (!list_empty(&evidence_memory)) {
		/*
		 * Without memory it stays blocked; the memory of evidence is
		 * asked again before it could become writable.
		 */
		identity = kzalloc(sizeof(*identity), GFP_KERNEL);
		if (identity && !guard_identify(disk, identity) &&
		    was_evidence(identity))
			state = EVIDENCE_GUARD_EVIDENCE;
		kfree(identity);
	}
	atomic_set(&disk->guard.state, state);
	guard_event(disk, &(struct guard_event) {
		.kind = GUARD_EVENT_BORN, .to = state });
	mutex_unlock(&guard_mutex);
}

/**
 * evidence_guard_gone - a disk was removed
 * @disk: the disk; what was accepted for it has been completed
 *
 * It keeps its state, for the flush that its driver sends last. A card may get
 * a disk again without having been pulled: what it counts of writable disks
 * must not outlast this one.
 */
void evidence_guard_gone(struct gendisk *disk)
{
	if (atomic_read(&disk->guard.state) == EVIDENCE_GUARD_VIRTUAL)
		return;
	mutex_lock(&guard_mutex);
	forget_destination(disk);
	if (atomic_read(&disk->guard.state) == EVIDENCE_GUARD_WRITABLE)
		tell_card(disk, -1);
	guard_event(disk, &(struct guard_event) {
		.kind = GUARD_EVENT_GONE });
	mutex_unlock(&guard_mutex);
}

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *page)
{
	int state = atomic_read(&dev_to_disk(dev)->guard.state);

	return sysfs_emit(page, "%s\n", guard_state_name(state));
}

static const char writable_prefix[] = "writable ";

static int change_state(struct gendisk *disk, char *wish)
{
	int from = atomic_read(&disk->guard.state);
	int to, ret;

	if (!strcmp(wish, "evidence")) {
		to = EVIDENCE_GUARD_EVIDENCE;
		ret = become_evidence(disk, from);
	} else if (!strcmp(wish, "blocked")) {
		to = EVIDENCE_GUARD_BLOCKED;
		ret = become_blocked(disk, from);
	} else if (str_has_prefix(wish, writable_prefix)) {
		to = EVIDENCE_GUARD_WRITABLE;
		ret = become_writable(disk, from,
				      strim(wish + strlen(writable_prefix)));
	} else {
		return -EINVAL;
	}

	if (ret)
		guard_event(disk, &(struct guard_event) {
			.kind = GUARD_EVENT_DENIED, .to = to, .error = ret });
	return ret;
}

static ssize_t state_store(struct device *dev, struct device_attribute *attr,
			   const char *page, size_t count)
{
	struct gendisk *disk = dev_to_disk(dev);
	char line[sizeof(writable_prefix) + GUARD_ID_LEN + 1];
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (strscpy(line, page, sizeof(line)) < 0)
		return -EINVAL;

	mutex_lock(&guard_mutex);
	ret = change_state(disk, strim(line));
	mutex_unlock(&guard_mutex);

	if (ret)
		return ret;
	disk_uevent(disk, KOBJ_CHANGE);
	return count;
}

static ssize_t refused_show(struct device *dev, struct device_attribute *attr,
			    char *page)
{
	return sysfs_emit(page, "%lld\n",
			  atomic64_read(&dev_to_disk(dev)->guard.refused));
}

static ssize_t identity_show(struct device *dev, struct device_attribute *attr,
			     char *page)
{
	struct guard_identity *identity;
	unsigned int i;
	ssize_t len;

	identity = kzalloc(sizeof(*identity), GFP_KERNEL);
	if (!identity)
		return -ENOMEM;
	len = guard_identify(dev_to_disk(dev), identity);
	for (i = 0; i < identity->count; i++)
		len += sysfs_emit_at(page, len, "%s %s\n",
				     guard_id_names[identity->id[i].kind],
				     identity->id[i].value);
	kfree(identity);
	return len;
}

static DEVICE_ATTR_ADMIN_RW(state);
static DEVICE_ATTR_RO(refused);
static DEVICE_ATTR_ADMIN_RO(identity);

static struct bin_attribute bin_attr_commands = {
	.attr = { .name = "commands", .mode = 0444 },
	.read = guard_commands_read,
};

static struct bin_attribute *guard_bin_attrs[] = {
	&bin_attr_commands,
	NULL
};

static struct attribute *guard_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_refused.attr,
	&dev_attr_identity.attr,
	NULL
};

static umode_t guard_attr_visible(struct kobject *kobj, struct attribute *attr,
				  int n)
{
	struct gendisk *disk = dev_to_disk(kobj_to_dev(kobj));

	if (atomic_read(&disk->guard.state) == EVIDENCE_GUARD_VIRTUAL)
		return n ? 0 : SYSFS_GROUP_INVISIBLE;
	return attr->mode;
}

const struct attribute_group evidence_guard_attr_group = {
	.name		= "guard",
	.attrs		= guard_attrs,
	.bin_attrs	= guard_bin_attrs,
	.is_visible	= guard_attr_visible,
};
