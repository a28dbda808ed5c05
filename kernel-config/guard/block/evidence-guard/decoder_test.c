// SPDX-License-Identifier: GPL-2.0
/*
 * The decoders: whole commands, laid out byte by byte after the standards,
 * and what becomes of each.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>
#include "policy.h"

#define DRIVER	true
#define PROGRAM	false

/* Columns of the lists below. */
#define SENT	GUARD_SENT
#define FAKED	GUARD_ABSORBED
#define NO	GUARD_REFUSED

/* Peripheral device types: SPC-6, standard INQUIRY data. */
#define DISK	0x00
#define TAPE	0x01
#define CD	0x05
#define RBC	0x0e	/* what an SBP-2 disk on FireWire says it is */
#define RAID	0x0c
#define ENCLOSURE 0x0d
#define ZONED	0x14
#define UNIT	0x1e	/* well-known logical unit */
#define UNKNOWN	0xff

/*
 * A CDB and the answer to a program and to a driver on a blocked disk, and on
 * a writable one.
 */
static const struct scsi_case {
	const char *what;
	u8 type;
	enum guard_answer program, driver, writable;
	u8 cdb[32];
} scsi_cases[] = {
	/* START STOP UNIT: byte 4 is power condition, NO_FLUSH, LOEJ, START. */
	{ "start", DISK, SENT, SENT, SENT, { 0x1b, 0, 0, 0, 0x01 } },
	{ "start, immediate", DISK, SENT, SENT, SENT, { 0x1b, 1, 0, 0, 0x01 } },
	{ "stop", DISK, NO, FAKED, SENT, { 0x1b, 0, 0, 0, 0x00 } },
	{ "eject", DISK, NO, FAKED, SENT, { 0x1b, 0, 0, 0, 0x02 } },
	{ "load", DISK, NO, FAKED, SENT, { 0x1b, 0, 0, 0, 0x03 } },
	{ "standby", DISK, NO, FAKED, SENT, { 0x1b, 0, 0, 0, 0x30 } },
	{ "active, START set", DISK, SENT, SENT, SENT, { 0x1b, 0, 0, 0, 0x11 } },
	{ "stop FireWire", RBC, NO, FAKED, SENT, { 0x1b, 0, 0, 0, 0x00 } },
	{ "stop UFS unit", UNIT, NO, FAKED, SENT, { 0x1b, 0, 0, 0, 0x00 } },
	{ "eject CD", CD, NO, SENT, NO, { 0x1b, 0, 0, 0, 0x02 } },
	/* LOG SENSE: SP is bit 0 of byte 1. */
	{ "LOG SENSE", DISK, SENT, SENT, SENT, { 0x4d, 0x00, 0x40 } },
	{ "LOG SENSE, SP", DISK, NO, NO, NO, { 0x4d, 0x01, 0x40 } },
	{ "LOG SENSE, PPC and SP", DISK, NO, NO, NO, { 0x4d, 0x03, 0x40 } },
	/* VERIFY: BYTCHK is bits 2:1 of byte 1. */
	{ "VERIFY (10)", DISK, SENT, SENT, SENT, { 0x2f, 0x00 } },
	{ "VERIFY (10), DPO", DISK, SENT, SENT, SENT, { 0x2f, 0x10 } },
	{ "VERIFY (10), BYTCHK 1", DISK, NO, NO, NO, { 0x2f, 0x02 } },
	{ "VERIFY (12), BYTCHK 2", DISK, NO, NO, NO, { 0xaf, 0x04 } },
	{ "VERIFY (16), BYTCHK 3", DISK, NO, NO, NO, { 0x8f, 0x06 } },
	/* READ BUFFER (10): mode is bits 4:0 of byte 1. */
	{ "header and data", DISK, NO, NO, NO, { 0x3c, 0x00 } },
	{ "vendor-specific", DISK, NO, NO, NO, { 0x3c, 0x01 } },
	{ "data", DISK, SENT, SENT, SENT, { 0x3c, 0x02 } },
	{ "descriptor", DISK, SENT, SENT, SENT, { 0x3c, 0x03 } },
	{ "echo buffer", DISK, SENT, SENT, SENT, { 0x3c, 0x0a } },
	{ "echo descriptor", DISK, SENT, SENT, SENT, { 0x3c, 0x0b } },
	{ "error history", DISK, NO, NO, NO, { 0x3c, 0x1c } },
	{ "data, mode-specific", DISK, NO, NO, NO, { 0x3c, 0x22 } },
	/* Service actions. */
	{ "READ CAPACITY (16)", DISK, SENT, SENT, SENT, { 0x9e, 0x10 } },
	{ "READ LONG (16)", DISK, NO, NO, NO, { 0x9e, 0x11 } },
	{ "GET LBA STATUS", DISK, SENT, SENT, SENT, { 0x9e, 0x12 } },
	{ "BACKGROUND CONTROL", DISK, NO, NO, NO, { 0x9e, 0x15 } },
	{ "GET STREAM STATUS", DISK, NO, NO, NO, { 0x9e, 0x16 } },
	{ "element status", DISK, SENT, SENT, SENT, { 0x9e, 0x17 } },
	{ "WRITE LONG (16)", DISK, NO, NO, NO, { 0x9f, 0x11 } },
	{ "identity", DISK, SENT, SENT, SENT, { 0xa3, 0x05 } },
	{ "MANAGEMENT PROTOCOL IN", DISK, NO, NO, NO, { 0xa3, 0x10 } },
	{ "set target port groups", DISK, NO, NO, NO, { 0xa4, 0x0a } },
	{ "SET TIMESTAMP", DISK, NO, NO, NO, { 0xa4, 0x0f } },
	{ "REPORT ZONES", ZONED, SENT, SENT, SENT, { 0x95, 0x00 } },
	{ "REPORT REALMS", ZONED, NO, NO, NO, { 0x95, 0x06 } },
	{ "RESET WRITE POINTER", ZONED, NO, NO, NO, { 0x94, 0x04 } },
	/* Variable length: service action in bytes 8 and 9. */
	{ "READ (32)", DISK, SENT, SENT, SENT, { 0x7f, [7] = 24, 0x00, 0x09 } },
	{ "WRITE (32)", DISK, NO, NO, SENT, { 0x7f, [7] = 24, 0x00, 0x0b } },
	{ "WRITE SAME (32)", DISK, NO, NO, NO, { 0x7f, [7] = 24, 0x00, 0x0d } },
	{ "bytes exchanged", DISK, NO, NO, NO, { 0x7f, [7] = 24, 0x09, 0x00 } },
	/* SECURITY PROTOCOL IN: protocol, then two bytes specific to it. */
	{ "protocols", DISK, SENT, SENT, SENT, { 0xa2, 0x00, 0x00, 0x00 } },
	{ "TCG discovery", DISK, SENT, SENT, SENT, { 0xa2, 0x01, 0x00, 0x01 } },
	{ "TCG, ComID 0", DISK, NO, NO, NO, { 0xa2, 0x01, 0x00, 0x00 } },
	{ "TCG, ComID 0100h", DISK, NO, NO, NO, { 0xa2, 0x01, 0x01, 0x00 } },
	{ "TCG, ComID 0101h", DISK, NO, NO, NO, { 0xa2, 0x01, 0x01, 0x01 } },
	{ "TCG, ComID 07FEh", DISK, NO, NO, NO, { 0xa2, 0x01, 0x07, 0xfe } },
	{ "TCG ComID requests", DISK, NO, NO, NO, { 0xa2, 0x02, 0x00, 0x01 } },
	{ "ATA security", DISK, SENT, SENT, SENT, { 0xa2, 0xef } },
	{ "IEEE 1667", DISK, NO, NO, NO, { 0xa2, 0xee } },
	/* One opcode, another meaning by type. */
	{ "UNMAP", DISK, NO, NO, SENT, { 0x42 } },
	{ "READ SUB-CHANNEL", CD, SENT, SENT, SENT, { 0x42 } },
	{ "BLANK", CD, NO, NO, NO, { 0xa1 } },
	{ "WRITE (10) on CD", CD, NO, NO, NO, { 0x2a } },
	{ "SEND KEY", CD, NO, NO, NO, { 0xa3, 0x0a } },
	{ "READ (6) of a tape", TAPE, NO, NO, NO, { 0x08 } },
	{ "WRITE (6) of a tape", TAPE, NO, NO, NO, { 0x0a } },
	{ "INQUIRY, unknown", UNKNOWN, SENT, SENT, SENT, { 0x12 } },
	{ "READ (10), unknown", UNKNOWN, NO, NO, NO, { 0x28 } },
	{ "WRITE (10), unknown", UNKNOWN, NO, NO, NO, { 0x2a } },
	/* FireWire, RAID adapters, enclosures: what the emulator can't plug. */
	{ "FireWire READ (10)", RBC, SENT, SENT, SENT, { 0x28 } },
	{ "FireWire WRITE (10)", RBC, NO, NO, SENT, { 0x2a } },
	{ "FireWire FORMAT UNIT", RBC, NO, NO, NO, { 0x04 } },
	{ "RAID INQUIRY", RAID, SENT, SENT, SENT, { 0x12 } },
	{ "RAID MAINTENANCE IN", RAID, NO, NO, NO, { 0xa3, 0x0c } },
	{ "RAID MAINTENANCE OUT", RAID, NO, NO, NO, { 0xa4, 0x00 } },
	{ "RAID READ (10)", RAID, NO, NO, NO, { 0x28 } },
	{ "RAID vendor-specific", RAID, NO, NO, NO, { 0xc0 } },
	{ "SEND DIAGNOSTIC", ENCLOSURE, NO, NO, NO, { 0x1d } },
};

static void scsi_commands_are_read_as_the_standards_lay_them_out(struct kunit *test)
{
	const struct guard_table *table = &guard_scsi_table;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(scsi_cases); i++) {
		const struct scsi_case *one = &scsi_cases[i];
		struct guard_command command = guard_decode_scsi(one->cdb,
								 one->type);
		int row = guard_find(table, &command);

		KUNIT_EXPECT_EQ_MSG(test, one->program,
				    guard_judge(table, row, PROGRAM, false),
				    "%s, program", one->what);
		KUNIT_EXPECT_EQ_MSG(test, one->driver,
				    guard_judge(table, row, DRIVER, false),
				    "%s, driver", one->what);
		KUNIT_EXPECT_EQ_MSG(test, one->writable,
				    guard_judge(table, row, PROGRAM, true),
				    "%s, writable", one->what);
	}
}

/* SAT-5, PROTOCOL field, where it stands in the byte. */
#define PROTOCOL(_number)	((_number) << 1)
#define HARD_RESET	PROTOCOL(0)
#define SOFT_RESET	PROTOCOL(1)
#define NON_DATA	PROTOCOL(3)
#define PIO_IN		PROTOCOL(4)
#define DMA		PROTOCOL(6)
#define DIAGNOSTIC	PROTOCOL(8)
#define DEVICE_RESET	PROTOCOL(9)
#define FPDMA		PROTOCOL(12)
#define EXTEND		0x01

/* The command register in each form of ATA PASS-THROUGH; a decoy elsewhere. */
#define FORM_12(_protocol, _command) \
	0xa1, (_protocol), [2] = 0x0e, [4] = 0x35, [8] = 0x40, [9] = (_command)
#define FORM_16(_protocol, _command) \
	0x85, (_protocol), [2] = 0x0e, [3] = 0x35, [6] = 0x35, [13] = 0x40, \
	[14] = (_command)
#define FORM_32(_protocol, _command) \
	0x7f, [7] = 24, [8] = 0x1f, [9] = 0xf0, [10] = (_protocol), \
	[20] = 0x35, [23] = 0x35, [24] = 0x40, [25] = (_command), [27] = 0x35

/* Of a program, on a blocked and on a writable disk. */
static const struct ata_case {
	const char *what;
	enum guard_answer blocked, writable;
	u8 cdb[32];
} ata_cases[] = {
	{ "12: IDENTIFY", SENT, SENT, { FORM_12(PIO_IN, 0xec) } },
	{ "12: WRITE DMA", NO, SENT, { FORM_12(DMA, 0xca) } },
	{ "12: SMART READ DATA", SENT, SENT,
	  { FORM_12(PIO_IN, 0xb0), [3] = 0xd0, [6] = 0x4f, [7] = 0xc2 } },
	{ "12: SMART ENABLE", NO, NO,
	  { FORM_12(NON_DATA, 0xb0), [3] = 0xd8, [6] = 0x4f, [7] = 0xc2 } },
	{ "12: TCG discovery", SENT, SENT,
	  { FORM_12(PIO_IN, 0x5c), [3] = 0x01, [6] = 0x01, [7] = 0x00 } },
	{ "12: TCG, ComID 0100h", NO, NO,
	  { FORM_12(PIO_IN, 0x5c), [3] = 0x01, [6] = 0x00, [7] = 0x01 } },
	{ "12: SET MULTIPLE MODE", NO, NO, { FORM_12(NON_DATA, 0xc6) } },
	{ "12: STANDBY IMMEDIATE", NO, SENT, { FORM_12(NON_DATA, 0xe0) } },
	{ "12: current status log", SENT, SENT,
	  { FORM_12(PIO_IN, 0x2f), [5] = 0x24 } },
	{ "12: new current status log", NO, NO,
	  { FORM_12(PIO_IN, 0x2f), [3] = 0x01, [5] = 0x24 } },
	{ "12: DCO IDENTIFY", SENT, SENT,
	  { FORM_12(PIO_IN, 0xb1), [3] = 0xc2 } },
	{ "12: DCO SET", NO, NO, { FORM_12(PIO_IN, 0xb1), [3] = 0xc3 } },

	{ "16: IDENTIFY", SENT, SENT, { FORM_16(PIO_IN, 0xec) } },
	{ "16: WRITE DMA EXT", NO, SENT, { FORM_16(DMA | EXTEND, 0x35) } },
	{ "16: SECURITY ERASE UNIT", NO, NO, { FORM_16(PIO_IN, 0xf4) } },
	{ "16: SMART READ LOG", SENT, SENT,
	  { FORM_16(PIO_IN, 0xb0), [4] = 0xd5, [10] = 0x4f, [12] = 0xc2 } },
	{ "16: SMART WRITE LOG", NO, NO,
	  { FORM_16(PIO_IN, 0xb0), [4] = 0xd6, [10] = 0x4f, [12] = 0xc2 } },
	{ "16: READ LOG EXT", SENT, SENT,
	  { FORM_16(PIO_IN | EXTEND, 0x2f), [8] = 0x10 } },
	{ "16: phy counters", SENT, SENT,
	  { FORM_16(PIO_IN | EXTEND, 0x2f), [8] = 0x11 } },
	{ "16: phy counters, reset", NO, NO,
	  { FORM_16(PIO_IN | EXTEND, 0x2f), [4] = 0x01, [8] = 0x11 } },
	{ "16: device statistics, DMA", SENT, SENT,
	  { FORM_16(DMA | EXTEND, 0x47), [8] = 0x04 } },
	{ "16: device statistics, initialized, DMA", NO, NO,
	  { FORM_16(DMA | EXTEND, 0x47), [4] = 0x01, [8] = 0x04 } },
	{ "16: device statistics, initialized", NO, NO,
	  { FORM_16(PIO_IN | EXTEND, 0x2f), [4] = 0x01, [8] = 0x04 } },
	{ "16: read stream error log", NO, NO,
	  { FORM_16(PIO_IN | EXTEND, 0x2f), [8] = 0x22 } },
	{ "16: vendor's log", NO, NO,
	  { FORM_16(PIO_IN | EXTEND, 0x2f), [8] = 0xa0 } },
	{ "16: vendor's log, DMA", NO, NO,
	  { FORM_16(DMA | EXTEND, 0x47), [8] = 0xdf } },
	{ "16: vendor's log, SMART", NO, NO,
	  { FORM_16(PIO_IN, 0xb0), [4] = 0xd5, [8] = 0xa0, [10] = 0x4f,
	    [12] = 0xc2 } },
	{ "16: new current status log", NO, NO,
	  { FORM_16(PIO_IN | EXTEND, 0x2f), [4] = 0x01, [8] = 0x24 } },
	{ "16: new saved status log, DMA", NO, NO,
	  { FORM_16(DMA | EXTEND, 0x47), [4] = 0x01, [8] = 0x25 } },
	{ "16: TCG discovery", SENT, SENT,
	  { FORM_16(PIO_IN, 0x5c), [4] = 0x01, [10] = 0x01, [12] = 0x00 } },
	{ "16: TCG, ComID 1001h", NO, NO,
	  { FORM_16(PIO_IN, 0x5c), [4] = 0x01, [10] = 0x01, [12] = 0x10 } },
	{ "16: REPORT ZONES EXT", SENT, SENT,
	  { FORM_16(DMA | EXTEND, 0x4a), [4] = 0x00 } },
	{ "16: other zone report", NO, NO,
	  { FORM_16(DMA | EXTEND, 0x4a), [4] = 0x06 } },
	{ "16: queued trim", NO, SENT,
	  { FORM_16(FPDMA | EXTEND, 0x64), [5] = 0x00 } },
	{ "16: queued WRITE LOG DMA EXT", NO, NO,
	  { FORM_16(FPDMA | EXTEND, 0x64), [5] = 0x02 } },
	{ "16: queued READ LOG DMA EXT", NO, NO,
	  { FORM_16(FPDMA | EXTEND, 0x65), [5] = 0x01, [8] = 0x10 } },
	{ "16: queued current status log", NO, NO,
	  { FORM_16(FPDMA | EXTEND, 0x65), [5] = 0x01, [8] = 0x24 } },
	/* Without EXTEND the upper half of the count does not travel. */
	{ "16: queued, not extended", NO, NO,
	  { FORM_16(FPDMA, 0x65), [5] = 0x01, [8] = 0x10 } },

	{ "32: IDENTIFY", SENT, SENT, { FORM_32(PIO_IN, 0xec) } },
	{ "32: WRITE DMA EXT", NO, SENT, { FORM_32(DMA | EXTEND, 0x35) } },
	{ "32: SMART READ DATA", SENT, SENT,
	  { FORM_32(PIO_IN, 0xb0), [17] = 0xc2, [18] = 0x4f, [21] = 0xd0 } },
	{ "32: SMART self-test", NO, NO,
	  { FORM_32(NON_DATA, 0xb0), [17] = 0xc2, [18] = 0x4f, [21] = 0xd4 } },
	{ "32: new current status log", NO, NO,
	  { FORM_32(PIO_IN | EXTEND, 0x2f), [19] = 0x24, [21] = 0x01 } },
	{ "32: TCG discovery", SENT, SENT,
	  { FORM_32(PIO_IN, 0x5c), [17] = 0x00, [18] = 0x01, [21] = 0x01 } },
	{ "32: TCG, ComID 0100h", NO, NO,
	  { FORM_32(PIO_IN, 0x5c), [17] = 0x01, [18] = 0x00, [21] = 0x01 } },
	{ "32: queued READ LOG DMA EXT", NO, NO,
	  { FORM_32(FPDMA | EXTEND, 0x65), [19] = 0x10, [22] = 0x01 } },
	/* AUXILIARY carries the bit that has the log made anew. */
	{ "32: queued, new current status log", NO, NO,
	  { FORM_32(FPDMA | EXTEND, 0x65), [19] = 0x24, [22] = 0x01,
	    [31] = 0x01 } },
	{ "32: queued SET FEATURES", NO, NO,
	  { FORM_32(FPDMA | EXTEND, 0x63), [21] = 0x05 } },

	/* What sends no command, or one that hides another. */
	{ "12: hard reset", NO, NO, { FORM_12(HARD_RESET, 0xec) } },
	{ "16: hard reset", NO, NO, { FORM_16(HARD_RESET, 0xec) } },
	{ "32: hard reset", NO, NO, { FORM_32(HARD_RESET, 0xec) } },
	{ "12: software reset", NO, NO, { FORM_12(SOFT_RESET, 0xec) } },
	{ "16: software reset", NO, NO, { FORM_16(SOFT_RESET, 0xec) } },
	{ "32: software reset", NO, NO, { FORM_32(SOFT_RESET, 0xec) } },
	{ "16: device diagnostic", NO, NO, { FORM_16(DIAGNOSTIC, 0xec) } },
	{ "16: device reset", NO, NO, { FORM_16(DEVICE_RESET, 0xec) } },
	{ "12: PACKET", NO, NO, { FORM_12(PIO_IN, 0xa0) } },
	{ "16: PACKET", NO, NO, { FORM_16(PIO_IN, 0xa0) } },
	{ "32: PACKET", NO, NO, { FORM_32(PIO_IN, 0xa0) } },
	/* Reserved, obsolete, and "return response information". */
	{ "16: protocol 2", NO, NO, { FORM_16(PROTOCOL(2), 0xec) } },
	{ "16: protocol 7", NO, NO, { FORM_16(PROTOCOL(7), 0xec) } },
	{ "16: protocol 13", NO, NO, { FORM_16(PROTOCOL(13), 0xec) } },
	{ "16: protocol 14", NO, NO, { FORM_16(PROTOCOL(14), 0xec) } },
	{ "16: protocol 15", NO, NO, { FORM_16(PROTOCOL(15), 0xec) } },
};

static enum guard_answer inner_answer(const u8 *cdb, bool writable)
{
	const struct guard_table *table = &guard_ata_table;
	struct guard_taskfile taskfile;
	struct guard_command command;

	if (!guard_ata_from_cdb(cdb, &taskfile))
		return GUARD_REFUSED;
	command = guard_decode_ata(&taskfile);
	return guard_judge(table, guard_find(table, &command), PROGRAM,
			   writable);
}

static void ata_commands_inside_scsi_commands_are_found(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ata_cases); i++) {
		const struct ata_case *one = &ata_cases[i];

		KUNIT_EXPECT_TRUE_MSG(test, guard_scsi_is_ata(one->cdb), "%s",
				      one->what);
		KUNIT_EXPECT_EQ_MSG(test, one->blocked,
				    inner_answer(one->cdb, false), "%s",
				    one->what);
		KUNIT_EXPECT_EQ_MSG(test, one->writable,
				    inner_answer(one->cdb, true),
				    "%s, writable", one->what);
	}
}

static void only_pass_through_is_taken_for_ata(struct kunit *test)
{
	unsigned int opcode;

	for (opcode = 0; opcode < 256; opcode++) {
		u8 cdb[32] = { opcode };

		KUNIT_EXPECT_EQ_MSG(test, opcode == 0x85 || opcode == 0xa1,
				    guard_scsi_is_ata(cdb), "%02x", opcode);
	}
}

#define SAVE	BIT(31)

/* An admin command by opcode and word 10. */
static const struct nvme_case {
	const char *what;
	enum guard_answer program, driver;
	u8 opcode;
	u32 dword10;
} nvme_cases[] = {
	{ "number of queues", NO, SENT, 0x09, 0x07 },
	{ "number of queues, saved", NO, NO, 0x09, 0x07 | SAVE },
	{ "event configuration", NO, SENT, 0x09, 0x0b },
	{ "event configuration, saved", NO, NO, 0x09, 0x0b | SAVE },
	{ "host memory buffer", NO, SENT, 0x09, 0x0d },
	{ "host memory buffer, saved", NO, NO, 0x09, 0x0d | SAVE },
	{ "host behaviour", NO, SENT, 0x09, 0x16 },
	{ "host behaviour, saved", NO, NO, 0x09, 0x16 | SAVE },
	{ "power management", NO, NO, 0x09, 0x02 },
	{ "write cache", NO, NO, 0x09, 0x06 },
	{ "timestamp", NO, NO, 0x09, 0x0e },
	{ "write protection", NO, NO, 0x09, 0x84 },
	{ "vendor-specific", NO, NO, 0x09, 0xd0 },
	{ "get features, saved values", SENT, SENT, 0x0a, 0x06 | 2 << 8 },
	/* Log page in 7:0, log-specific parameter above, RAE in 15. */
	{ "SMART log", SENT, SENT, 0x02, 0x007f0002 },
	{ "host telemetry", SENT, SENT, 0x02, 0x007f0007 },
	{ "host telemetry, RAE", SENT, SENT, 0x02, 0x007f8007 },
	{ "host telemetry, create", NO, NO, 0x02, 0x007f0107 },
	{ "host telemetry, create, RAE", NO, NO, 0x02, 0x007f8107 },
	{ "controller telemetry, taken", NO, NO, 0x02, 0x007f0008 },
	{ "controller telemetry, RAE", SENT, SENT, 0x02, 0x007f8008 },
	{ "reservation notification", NO, NO, 0x02, 0x007f0080 },
	{ "sanitize status", SENT, SENT, 0x02, 0x007f0081 },
	{ "vendor's log", NO, NO, 0x02, 0x007f00c0 },
	{ "vendor's log, RAE", NO, NO, 0x02, 0x007f80ff },
	{ "reserved log", NO, NO, 0x02, 0x007f0017 },
	{ "persistent events", SENT, SENT, 0x02, 0x007f000d },
	{ "persistent events, establish", NO, NO, 0x02, 0x007f010d },
	{ "persistent events, release", NO, NO, 0x02, 0x007f020d },
	{ "persistent events, reserved", NO, NO, 0x02, 0x007f030d },
	/* Protocol in 31:24, what is specific to it in 23:8. */
	{ "protocols", SENT, SENT, 0x82, 0x00000000 },
	{ "TCG discovery", SENT, SENT, 0x82, 0x01000100 },
	{ "TCG, ComID 0100h", NO, NO, 0x82, 0x01010000 },
	{ "TCG, ComID 0101h", NO, NO, 0x82, 0x01010100 },
	{ "TCG, ComID 0", NO, NO, 0x82, 0x01000000 },
	{ "RPMB", NO, NO, 0x82, 0xea000100 },
};

static void nvme_admin_commands_are_read_by_their_words(struct kunit *test)
{
	const struct guard_table *table = &guard_nvme_admin_table;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nvme_cases); i++) {
		const struct nvme_case *one = &nvme_cases[i];
		/* A command identifier and flags stand above the opcode. */
		const __le32 dword[16] = {
			[0] = cpu_to_le32(0xabcd4000 | one->opcode),
			[10] = cpu_to_le32(one->dword10),
		};
		struct guard_command command = guard_decode_nvme_admin(dword);
		int row = guard_find(table, &command);

		KUNIT_EXPECT_EQ_MSG(test, one->program,
				    guard_judge(table, row, PROGRAM, false),
				    "%s, program", one->what);
		KUNIT_EXPECT_EQ_MSG(test, one->driver,
				    guard_judge(table, row, DRIVER, false),
				    "%s, driver", one->what);
	}
}

static void nvme_queues_have_opcodes_of_their_own(struct kunit *test)
{
	const __le32 one[16] = { cpu_to_le32(0xabcd4001) };
	struct guard_command admin = guard_decode_nvme_admin(one);
	struct guard_command io = guard_decode_nvme_io(one);

	KUNIT_EXPECT_EQ(test, GUARD_SENT,
			guard_judge(&guard_nvme_admin_table,
				    guard_find(&guard_nvme_admin_table, &admin),
				    DRIVER, false));
	KUNIT_EXPECT_EQ(test, GUARD_REFUSED,
			guard_judge(&guard_nvme_io_table,
				    guard_find(&guard_nvme_io_table, &io),
				    DRIVER, false));
}

static enum guard_answer mmc_answer(u32 opcode, u32 argument, bool has_data,
				    u8 config, bool by_driver)
{
	struct guard_command command = guard_decode_mmc(opcode, argument,
							has_data, config);

	return guard_judge(&guard_mmc_table,
			   guard_find(&guard_mmc_table, &command), by_driver,
			   false);
}

/* JESD84-B51, 6.6.1: access in 25:24, index in 23:16, value in 15:8. */
static u32 mmc_switch(u8 access, u8 index, u8 value)
{
	return access << 24 | index << 16 | value << 8 | 1;
}

#define COMMAND_SET	0
#define SET_BITS	1
#define CLEAR_BITS	2
#define WRITE_BYTE	3

static void mmc_switch_changes_only_what_the_bus_needs(struct kunit *test)
{
	unsigned int index, access;

	for (index = 0; index < 256; index++) {
		enum guard_answer wanted = GUARD_REFUSED;

		if (index == 32)
			wanted = GUARD_ABSORBED;
		if (index == 179 || index == 183 || index == 185 || index == 187)
			wanted = GUARD_SENT;
		KUNIT_EXPECT_EQ_MSG(test, wanted,
				    mmc_answer(6, mmc_switch(WRITE_BYTE, index, 1),
					       false, 0, DRIVER),
				    "byte %u", index);
		for (access = COMMAND_SET; access <= WRITE_BYTE; access++)
			KUNIT_EXPECT_EQ_MSG(test, GUARD_REFUSED,
					    mmc_answer(6, mmc_switch(access, index, 1),
						       false, 0, PROGRAM),
					    "access %u, byte %u", access, index);
		for (access = COMMAND_SET; access < WRITE_BYTE; access++)
			KUNIT_EXPECT_EQ_MSG(test, GUARD_REFUSED,
					    mmc_answer(6, mmc_switch(access, index, 1),
						       false, 0, DRIVER),
					    "access %u, byte %u", access, index);
	}
}

static void what_an_emmc_boots_from_stays(struct kunit *test)
{
	unsigned int before, after;

	/* PARTITION_CONFIG: access in bits 2:0, boot choice and ack above. */
	for (before = 0; before < 256; before++)
		for (after = 0; after < 256; after++)
			KUNIT_EXPECT_EQ_MSG(test,
					    before >> 3 == after >> 3 ?
					    GUARD_SENT : GUARD_REFUSED,
					    mmc_answer(6, mmc_switch(WRITE_BYTE, 179, after),
						       false, before, DRIVER),
					    "%02x to %02x", before, after);
}

static void sd_switch_leaves_groups_5_and_6(struct kunit *test)
{
	unsigned int group, function;

	/* SD 6.00, 4.3.10: six groups of four bits, mode in bit 31. */
	for (group = 0; group < 6; group++)
		for (function = 0; function <= 0xf; function++) {
			u32 argument = 0x80ffffff & ~(0xfU << group * 4);
			bool stays = group < 4 || function == 0 || function == 0xf;

			argument |= function << group * 4;
			KUNIT_EXPECT_EQ_MSG(test,
					    stays ? GUARD_SENT : GUARD_REFUSED,
					    mmc_answer(6, argument, true, 0, DRIVER),
					    "group %u to %u", group + 1, function);
			KUNIT_EXPECT_EQ(test, GUARD_REFUSED,
					mmc_answer(6, argument, true, 0, PROGRAM));
		}
}

static void an_application_command_is_another_command(struct kunit *test)
{
	/* Number, answer to a driver: as a command, after CMD55. */
	static const struct {
		u8 number;
		enum guard_answer plain, app;
	} cases[] = {
		{ 13, SENT, SENT }, { 17, SENT, NO }, { 18, SENT, NO },
		{ 22, NO, SENT }, { 23, SENT, NO }, { 24, NO, NO },
		{ 25, NO, NO }, { 38, NO, NO }, { 41, NO, SENT },
		{ 42, NO, NO }, { 51, NO, SENT }, { 55, SENT, NO },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard_command command = guard_decode_mmc(cases[i].number,
								0, false, 0);
		int row = guard_find(&guard_mmc_app_table, &command);

		KUNIT_EXPECT_EQ_MSG(test, cases[i].plain,
				    mmc_answer(cases[i].number, 0, false, 0, DRIVER),
				    "CMD%u", cases[i].number);
		KUNIT_EXPECT_EQ_MSG(test, cases[i].app,
				    guard_judge(&guard_mmc_app_table, row, DRIVER,
						false),
				    "ACMD%u", cases[i].number);
	}
}

static enum guard_answer ufs_answer(u8 transaction, u8 query, u8 idn)
{
	struct guard_command command = guard_decode_ufs(transaction, query, idn);

	return guard_judge(&guard_ufs_table,
			   guard_find(&guard_ufs_table, &command), DRIVER,
			   false);
}

static void ufs_sets_one_flag_clears_one_writes_one_attribute(struct kunit *test)
{
	unsigned int idn, query, transaction;

	/* JESD220F: QUERY REQUEST is 16h; opcodes 04h, 06h, 07h, 08h change. */
	for (idn = 0; idn < 256; idn++) {
		KUNIT_EXPECT_EQ(test, idn == 0x0d ? GUARD_SENT : GUARD_REFUSED,
				ufs_answer(0x16, 0x04, idn));
		KUNIT_EXPECT_EQ(test, idn == 0x01 ? GUARD_SENT : GUARD_REFUSED,
				ufs_answer(0x16, 0x06, idn));
		KUNIT_EXPECT_EQ(test, idn == 0x04 ? GUARD_SENT : GUARD_REFUSED,
				ufs_answer(0x16, 0x07, idn));
		KUNIT_EXPECT_EQ(test, GUARD_REFUSED, ufs_answer(0x16, 0x08, idn));
		KUNIT_EXPECT_EQ(test, GUARD_REFUSED, ufs_answer(0x16, 0x02, idn));
	}
	/* Beyond those, a vendor's own among them. */
	for (query = 0x08; query < 256; query++)
		KUNIT_EXPECT_EQ_MSG(test, GUARD_REFUSED,
				    ufs_answer(0x16, query, 0), "%02x", query);
	/* NOP OUT is 00h; no other transaction passes here but queries. */
	for (transaction = 0; transaction < 256; transaction++)
		if (transaction != 0x16)
			KUNIT_EXPECT_EQ_MSG(test,
					    transaction ? GUARD_REFUSED : GUARD_SENT,
					    ufs_answer(transaction, 0x03, 0),
					    "%02x", transaction);
}

static struct kunit_case decoder_cases[] = {
	KUNIT_CASE(scsi_commands_are_read_as_the_standards_lay_them_out),
	KUNIT_CASE(ata_commands_inside_scsi_commands_are_found),
	KUNIT_CASE(only_pass_through_is_taken_for_ata),
	KUNIT_CASE(nvme_admin_commands_are_read_by_their_words),
	KUNIT_CASE(nvme_queues_have_opcodes_of_their_own),
	KUNIT_CASE(mmc_switch_changes_only_what_the_bus_needs),
	KUNIT_CASE(what_an_emmc_boots_from_stays),
	KUNIT_CASE(sd_switch_leaves_groups_5_and_6),
	KUNIT_CASE(an_application_command_is_another_command),
	KUNIT_CASE(ufs_sets_one_flag_clears_one_writes_one_attribute),
	{ }
};

static struct kunit_suite decoder_suite = {
	.name = "evidence_guard_decoders",
	.test_cases = decoder_cases,
};

kunit_test_suite(decoder_suite);
