/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the evidence guard share among themselves. */
#ifndef _EVIDENCE_GUARD_GUARD_H
#define _EVIDENCE_GUARD_GUARD_H

#include <linux/blkdev.h>
#include <linux/evidence_guard.h>
#include <linux/types.h>

/* identity.c: what a disk is known by */

enum guard_id_kind {
	GUARD_ID_SERIAL,
	GUARD_ID_USB_SERIAL,
	GUARD_ID_WWID,
	GUARD_ID_CID,
};

#define GUARD_ID_LEN	128
#define GUARD_ID_MAX	6

struct guard_id {
	enum guard_id_kind kind;
	char value[GUARD_ID_LEN];
};

struct guard_identity {
	unsigned int count;
	struct guard_id id[GUARD_ID_MAX];
};

extern const char *const guard_id_names[];

int guard_identify(struct gendisk *disk, struct guard_identity *identity);
bool guard_id_is_serial(const struct guard_id *id);
bool guard_id_same_device(const struct guard_id *a, const struct guard_id *b);

/* state.c: transitions */

const char *guard_state_name(int state);
int guard_seal(void);
bool guard_sealed(void);
/* A destination with another medium in it is none. In any context. */
void guard_medium_changed(struct gendisk *disk);
/* Calls @show for each identifier that was evidence in this boot. */
void guard_evidence_walk(void (*show)(const struct guard_id *id, void *data),
			 void *data);

/* events.c: the event stream */

enum guard_event_kind {
	GUARD_EVENT_BORN,
	GUARD_EVENT_GONE,
	GUARD_EVENT_REFUSED,
	GUARD_EVENT_STATE,
	GUARD_EVENT_DENIED,
	GUARD_EVENT_SEALED,
};

#define GUARD_NO_SECTOR	((sector_t)-1)

struct guard_event {
	enum guard_event_kind kind;
	/* REFUSED */
	const char *op;
	sector_t sector;
	unsigned int bytes;
	/* REFUSED, where the operation is a command */
	const char *set;
	u8 opcode;
	u16 sub;
	bool by_driver;
	/* What a device without a disk is called; copied. */
	const char *device;
	/* BORN, STATE, DENIED */
	int from;
	int to;
	int error;
};

void guard_event(struct gendisk *disk, const struct guard_event *event);
/* Counts a refusal and tells of it. @sector counts from the disk's start. */
void guard_refused(struct gendisk *disk, const char *op, sector_t sector,
		   unsigned int bytes);

extern const struct file_operations guard_events_fops;

/* recorder.c */
ssize_t guard_commands_read(struct file *file, struct kobject *kobj,
			    struct bin_attribute *attr, char *to, loff_t off,
			    size_t count);

#endif /* _EVIDENCE_GUARD_GUARD_H */
