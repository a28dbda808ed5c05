// SPDX-License-Identifier: GPL-2.0
/*
 * The event stream: a ring of the last events, read as lines, each reader at
 * its own pace. A reader that falls behind is told how much it missed.
 */
#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/seq_buf.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include "guard.h"

#define RING_SIZE	4096
/* The longest line: every byte of "comm" escaped, every number at its largest. */
#define LINE_SIZE	512
/* Names of devices that have no disk are cut to this. */
#define DEVICE_LEN	24

struct stored_event {
	struct guard_event what;
	u64 time_ns;
	dev_t dev;
	pid_t pid;
	char disk[DISK_NAME_LEN];
	char device[DEVICE_LEN];
	char comm[TASK_COMM_LEN];
};

struct reader {
	/* One read at a time of an open file. */
	struct mutex lock;
	u64 next;
	char line[LINE_SIZE];
};

static DEFINE_SPINLOCK(ring_lock);
static DECLARE_WAIT_QUEUE_HEAD(ring_wait);
static struct stored_event ring[RING_SIZE];
/* Sequence number of the next event: the first is 0. */
static u64 ring_head;

static u64 ring_tail(void)
{
	return ring_head > RING_SIZE ? ring_head - RING_SIZE : 0;
}

void guard_event(struct gendisk *disk, const struct guard_event *event)
{
	struct stored_event *slot;
	unsigned long flags;

	spin_lock_irqsave(&ring_lock, flags);
	slot = &ring[ring_head % RING_SIZE];
	slot->what = *event;
	slot->what.device = NULL;
	strscpy(slot->device, !disk && event->device ? event->device : "",
		sizeof(slot->device));
	slot->time_ns = ktime_get_boottime_ns();
	slot->dev = disk ? disk_devt(disk) : 0;
	slot->pid = task_pid_nr(current);
	strscpy(slot->disk, disk ? disk->disk_name : "-", sizeof(slot->disk));
	strscpy(slot->comm, current->comm, sizeof(slot->comm));
	ring_head++;
	spin_unlock_irqrestore(&ring_lock, flags);
	wake_up_interruptible(&ring_wait);
}

void guard_refused(struct gendisk *disk, const char *op, sector_t sector,
		   unsigned int bytes)
{
	atomic64_inc(&disk->guard.refused);
	guard_event(disk, &(struct guard_event) {
		.kind = GUARD_EVENT_REFUSED, .op = op, .sector = sector,
		.bytes = bytes });
}

static void print_comm(struct seq_buf *out, const char *comm)
{
	for (; *comm; comm++) {
		if (isascii(*comm) && isgraph(*comm) && *comm != '\\')
			seq_buf_putc(out, *comm);
		else
			seq_buf_printf(out, "\\x%02x", (unsigned char)*comm);
	}
}

static void print_command(struct seq_buf *out, const struct guard_event *event)
{
	seq_buf_printf(out, " set=%s opcode=%02x sub=%02x asker=%s",
		       event->set, event->opcode, event->sub,
		       event->by_driver ? "driver" : "program");
}

static void print_details(struct seq_buf *out, const struct guard_event *event)
{
	switch (event->kind) {
	case GUARD_EVENT_BORN:
		seq_buf_printf(out, " state=%s", guard_state_name(event->to));
		break;
	case GUARD_EVENT_REFUSED:
		seq_buf_printf(out, " op=%s", event->op);
		if (event->set)
			print_command(out, event);
		if (event->sector == GUARD_NO_SECTOR)
			seq_buf_puts(out, " sector=-");
		else
			seq_buf_printf(out, " sector=%llu",
				       (unsigned long long)event->sector);
		seq_buf_printf(out, " bytes=%u", event->bytes);
		break;
	case GUARD_EVENT_STATE:
		seq_buf_printf(out, " from=%s to=%s",
			       guard_state_name(event->from),
			       guard_state_name(event->to));
		break;
	case GUARD_EVENT_DENIED:
		seq_buf_printf(out, " to=%s errno=%d",
			       guard_state_name(event->to), -event->error);
		break;
	case GUARD_EVENT_GONE:
	case GUARD_EVENT_SEALED:
		break;
	}
}

static const char *const event_words[] = {
	[GUARD_EVENT_BORN]	= "born",
	[GUARD_EVENT_GONE]	= "gone",
	[GUARD_EVENT_REFUSED]	= "refused",
	[GUARD_EVENT_STATE]	= "state",
	[GUARD_EVENT_DENIED]	= "denied",
	[GUARD_EVENT_SEALED]	= "sealed",
};

static size_t print_event(char *line, u64 seq, const struct stored_event *event)
{
	struct seq_buf out;

	seq_buf_init(&out, line, LINE_SIZE);
	seq_buf_printf(&out, "seq=%llu time_ns=%llu event=%s disk=%s dev=", seq,
		       event->time_ns, event_words[event->what.kind],
		       event->disk);
	if (event->dev)
		seq_buf_printf(&out, "%u:%u", MAJOR(event->dev),
			       MINOR(event->dev));
	else
		seq_buf_putc(&out, '-');
	if (event->device[0])
		seq_buf_printf(&out, " device=%s", event->device);
	print_details(&out, &event->what);
	seq_buf_printf(&out, " pid=%d comm=", event->pid);
	print_comm(&out, event->comm);
	seq_buf_putc(&out, '\n');
	return seq_buf_used(&out);
}

static size_t print_lost(char *line, u64 seq, u64 count)
{
	return scnprintf(line, LINE_SIZE,
			 "seq=%llu time_ns=%llu event=lost disk=- dev=- count=%llu pid=0 comm=-\n",
			 seq, ktime_get_boottime_ns(), count);
}

/* Prints the reader's next line and says where it goes on; 0 when there is none. */
static size_t next_line(struct reader *reader, u64 *after)
{
	struct stored_event event;
	u64 tail, seq = reader->next;

	spin_lock_irq(&ring_lock);
	tail = ring_tail();
	if (seq == ring_head) {
		spin_unlock_irq(&ring_lock);
		return 0;
	}
	if (seq >= tail)
		event = ring[seq % RING_SIZE];
	spin_unlock_irq(&ring_lock);

	if (seq < tail) {
		*after = tail;
		return print_lost(reader->line, seq, tail - seq);
	}
	*after = seq + 1;
	return print_event(reader->line, seq, &event);
}

static bool anything_new(const struct reader *reader)
{
	bool new;

	spin_lock_irq(&ring_lock);
	new = READ_ONCE(reader->next) != ring_head;
	spin_unlock_irq(&ring_lock);
	return new;
}

static ssize_t copy_lines(struct reader *reader, char __user *to, size_t count)
{
	ssize_t copied = 0;
	size_t len;
	u64 after;

	while ((len = next_line(reader, &after))) {
		if (len > count - copied)
			return copied ?: -EINVAL;
		if (copy_to_user(to + copied, reader->line, len))
			return copied ?: -EFAULT;
		reader->next = after;
		copied += len;
	}
	return copied;
}

static ssize_t events_read(struct file *file, char __user *to, size_t count,
			   loff_t *pos)
{
	struct reader *reader = file->private_data;
	ssize_t ret;

	for (;;) {
		ret = mutex_lock_interruptible(&reader->lock);
		if (ret)
			return ret;
		ret = copy_lines(reader, to, count);
		mutex_unlock(&reader->lock);
		if (ret)
			return ret;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(ring_wait, anything_new(reader));
		if (ret)
			return ret;
	}
}

static __poll_t events_poll(struct file *file, poll_table *wait)
{
	poll_wait(file, &ring_wait, wait);
	return anything_new(file->private_data) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int events_open(struct inode *inode, struct file *file)
{
	struct reader *reader = kzalloc(sizeof(*reader), GFP_KERNEL);

	if (!reader)
		return -ENOMEM;
	mutex_init(&reader->lock);
	spin_lock_irq(&ring_lock);
	reader->next = ring_tail();
	spin_unlock_irq(&ring_lock);
	file->private_data = reader;
	return stream_open(inode, file);
}

static int events_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

const struct file_operations guard_events_fops = {
	.open		= events_open,
	.read		= events_read,
	.poll		= events_poll,
	.release	= events_release,
};
