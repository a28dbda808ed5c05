// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel knows a disk by. The identifiers are taken from the same
 * device attributes that user space sees, found by walking from the disk up to
 * its controller, so that no driver needs a hook for them.
 */
#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/usb.h>
#include <scsi/scsi_device.h>
#include "guard.h"

/* Deeper than any chain from a disk to its host controller. */
#define WALK_MAX	16

const char *const guard_id_names[] = {
	[GUARD_ID_SERIAL]	= "serial",
	[GUARD_ID_USB_SERIAL]	= "usb-serial",
	[GUARD_ID_WWID]		= "wwid",
	[GUARD_ID_CID]		= "cid",
};

bool guard_id_is_serial(const struct guard_id *id)
{
	return id->kind == GUARD_ID_SERIAL || id->kind == GUARD_ID_USB_SERIAL;
}

/*
 * A serial is compared with either kind of serial: the same disk shows its own
 * on a SATA port and as the USB device's in a dock.
 */
bool guard_id_same_device(const struct guard_id *a, const struct guard_id *b)
{
	if (a->kind != b->kind &&
	    !(guard_id_is_serial(a) && guard_id_is_serial(b)))
		return false;
	return !strcmp(a->value, b->value);
}

/* Adds an identifier unless it is empty once white space is cut off. */
static void add_id(struct guard_identity *identity, enum guard_id_kind kind,
		   const char *text, size_t len)
{
	struct guard_id *id;
	size_t i;

	len = strnlen(text, len);
	while (len && isspace(text[0])) {
		text++;
		len--;
	}
	while (len && isspace(text[len - 1]))
		len--;
	if (!len || identity->count == GUARD_ID_MAX)
		return;

	id = &identity->id[identity->count++];
	id->kind = kind;
	len = min(len, sizeof(id->value) - 1);
	for (i = 0; i < len; i++)
		id->value[i] = isascii(text[i]) && isprint(text[i]) ?
			       text[i] : '?';
	id->value[len] = '\0';
}

static ssize_t show_from_groups(struct device *dev, const char *name,
				char *page,
				const struct attribute_group **groups)
{
	struct device_attribute *found;
	struct attribute *attr;
	umode_t mode;
	int i;

	for (; groups && *groups; groups++) {
		if (!(*groups)->attrs || (*groups)->name)
			continue;
		for (i = 0; (attr = (*groups)->attrs[i]); i++) {
			if (strcmp(attr->name, name))
				continue;
			mode = attr->mode;
			if ((*groups)->is_visible)
				mode = (*groups)->is_visible(&dev->kobj, attr, i);
			found = container_of(attr, struct device_attribute, attr);
			if (!(mode & 0444) || !found->show)
				return -ENOENT;
			return found->show(dev, found, page);
		}
	}
	return -ENOENT;
}

/* Reads the text attribute @name of @dev into @page, as sysfs would. */
static ssize_t show_attr(struct device *dev, const char *name, char *page)
{
	ssize_t len = show_from_groups(dev, name, page, dev->groups);

	if (len == -ENOENT && dev->type)
		len = show_from_groups(dev, name, page, dev->type->groups);
	if (len == -ENOENT && dev->class)
		len = show_from_groups(dev, name, page, dev->class->dev_groups);
	if (len == -ENOENT && dev->bus)
		len = show_from_groups(dev, name, page, dev->bus->dev_groups);
	return len;
}

static void add_attr(struct guard_identity *identity, struct device *dev,
		     const char *name, enum guard_id_kind kind, char *page)
{
	ssize_t len = show_attr(dev, name, page);

	if (len > 0)
		add_id(identity, kind, page, min_t(size_t, len, PAGE_SIZE));
}

#ifdef CONFIG_SCSI
/* SPC-5 7.7.19: VPD page 80h, unit serial number, from byte 4 on. */
static void add_scsi_serial(struct guard_identity *identity,
			    struct scsi_device *sdev)
{
	const struct scsi_vpd *vpd;

	rcu_read_lock();
	vpd = rcu_dereference(sdev->vpd_pg80);
	if (vpd && vpd->len > 4)
		add_id(identity, GUARD_ID_SERIAL, (const char *)vpd->data + 4,
		       vpd->len - 4);
	rcu_read_unlock();
}
#endif

#ifdef CONFIG_USB
static bool is_usb_device(const struct device *dev)
{
	return dev->type && dev->type->name &&
	       !strcmp(dev->type->name, "usb_device");
}

/*
 * Not through its attribute: that takes the device's lock, which the hub holds
 * while it waits, on unplugging, for readers and writers of our own attributes
 * to leave. The string stays as long as the device does.
 */
static void add_usb_serial(struct guard_identity *identity, struct device *dev)
{
	const char *serial = to_usb_device(dev)->serial;

	if (serial)
		add_id(identity, GUARD_ID_USB_SERIAL, serial, strlen(serial));
}
#endif

/**
 * guard_identify - collects what a disk is known by
 * @disk: a guarded disk
 * @identity: zeroed; filled in
 *
 * May sleep, and may send the identification command of virtio-blk. Fails only
 * for want of memory: a disk that says nothing of itself has an empty identity.
 */
int guard_identify(struct gendisk *disk, struct guard_identity *identity)
{
	struct device *dev = disk_to_dev(disk);
	char *page = (char *)get_zeroed_page(GFP_KERNEL);
	int depth;

	if (!page)
		return -ENOMEM;
	for (depth = 0; dev && depth < WALK_MAX; dev = dev->parent, depth++) {
		if (dev_is_pci(dev))
			break;
#ifdef CONFIG_USB
		if (is_usb_device(dev)) {
			/* The hubs above have serials of their own: stop. */
			add_usb_serial(identity, dev);
			break;
		}
#endif
#ifdef CONFIG_SCSI
		if (scsi_is_sdev_device(dev))
			add_scsi_serial(identity, to_scsi_device(dev));
#endif
		add_attr(identity, dev, "wwid", GUARD_ID_WWID, page);
		add_attr(identity, dev, "cid", GUARD_ID_CID, page);
		add_attr(identity, dev, "serial", GUARD_ID_SERIAL, page);
	}
	free_page((unsigned long)page);
	return 0;
}
