// SPDX-License-Identifier: GPL-2.0
/*
 * The policy against lists of what may pass. The lists were written from the
 * standards' tables of operation codes, not from the policy; what is on none
 * of them has to be refused, whoever asks, whatever the disk.
 */
#include <kunit/test.h>
#include <linux/evidence_guard.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "policy.h"

/* A sub-code that no row names. */
#define UNNAMED		0xfffe
/* No decoder makes a greater one, but of variable-length commands. */
#define SUBS		0x400
#define VARIABLE	0x7f
#define ALL_SUBS	0x10000
/* What a failing walk prints before it only counts. */
#define SHOWN		8

#define D	GUARD_DISK
#define C	GUARD_CD
#define O	GUARD_OTHER
#define E	GUARD_ANY

/* Commands of one opcode, some sub-codes from one on; ends with no kinds. */
struct listed {
	u8 kinds;
	u8 opcode;
	u16 from;
	u32 count;
};

#define WHOLE(_kinds, _opcode)		{ _kinds, _opcode, 0, ALL_SUBS }
#define SUB(_kinds, _opcode, _sub)	{ _kinds, _opcode, _sub, 1 }
#define END				{ }

static const struct listed nothing[] = { END };

/*
 * SCSI: SPC-6 annex of operation codes, columns of direct access and reduced
 * block devices (SBC-4, RBC), CD/DVD (MMC-6); SAT-5; ZBC-2.
 */
static const struct listed scsi_anyone[] = {
	/* TEST UNIT READY, REQUEST SENSE, INQUIRY, REPORT LUNS */
	WHOLE(E, 0x00), WHOLE(E, 0x03), WHOLE(E, 0x12), WHOLE(E, 0xa0),
	/* MODE SENSE (6) and (10) */
	WHOLE(D | C, 0x1a), WHOLE(D | C, 0x5a),
	/* READ FORMAT CAPACITIES, READ CAPACITY (10) */
	WHOLE(E, 0x23), WHOLE(D | C, 0x25),
	/* READ (6), (10), (12), (16), (32) */
	WHOLE(D, 0x08), WHOLE(D | C, 0x28), WHOLE(D | C, 0xa8), WHOLE(D, 0x88),
	SUB(D, VARIABLE, 0x0009),
	/* VERIFY (10), (12), (16) with BYTCHK 00b */
	SUB(D, 0x2f, 0), SUB(D, 0xaf, 0), SUB(D, 0x8f, 0),
	/* START STOP UNIT with nothing but START */
	SUB(D, 0x1b, 0x01), SUB(D, 0x1b, 0x11),
	/* READ DEFECT DATA (10) and (12) */
	WHOLE(D, 0x37), WHOLE(D, 0xb7),
	/* READ BUFFER: data, descriptor, echo buffer and its descriptor */
	SUB(D, 0x3c, 0x02), SUB(D, 0x3c, 0x03), SUB(D, 0x3c, 0x0a),
	SUB(D, 0x3c, 0x0b),
	/* LOG SENSE with SP 0, PERSISTENT RESERVE IN */
	SUB(D, 0x4d, 0), WHOLE(D, 0x5e),
	/* ZONED BLOCK COMMANDS IN: REPORT ZONES */
	SUB(D, 0x95, 0x00),
	/* READ CAPACITY (16), GET LBA STATUS, GET PHYSICAL ELEMENT STATUS */
	SUB(D, 0x9e, 0x10), SUB(D, 0x9e, 0x12), SUB(D, 0x9e, 0x17),
	/* SECURITY PROTOCOL IN: information, TCG discovery, ATA security */
	SUB(D, 0xa2, 0x00), SUB(D, 0xa2, 0x01), SUB(D, 0xa2, 0xef),
	/* REPORT IDENTIFYING INFORMATION, TARGET PORT GROUPS */
	SUB(D, 0xa3, 0x05), SUB(D, 0xa3, 0x0a),
	/* REPORT SUPPORTED OPERATION CODES, TASK MANAGEMENT FUNCTIONS */
	SUB(D, 0xa3, 0x0c), SUB(D, 0xa3, 0x0d),
	/* REPORT PRIORITY, TIMESTAMP */
	SUB(D, 0xa3, 0x0e), SUB(D, 0xa3, 0x0f),
	/* READ SUB-CHANNEL, TOC, HEADER; GET CONFIGURATION, EVENT STATUS */
	WHOLE(C, 0x42), WHOLE(C, 0x43), WHOLE(C, 0x44), WHOLE(C, 0x46),
	WHOLE(C, 0x4a),
	/* READ DISC and TRACK INFORMATION, DISC STRUCTURE; GET PERFORMANCE */
	WHOLE(C, 0x51), WHOLE(C, 0x52), WHOLE(C, 0xad), WHOLE(C, 0xac),
	/* READ CD MSF, READ CD */
	WHOLE(C, 0xb9), WHOLE(C, 0xbe),
	/* ATA PASS-THROUGH (12), (16), (32): on a CD A1h is BLANK */
	WHOLE(D, 0xa1), WHOLE(E, 0x85), SUB(E, VARIABLE, 0x1ff0),
	END
};

static const struct listed scsi_driver[] = {
	/* START STOP UNIT of a tray, PREVENT ALLOW MEDIUM REMOVAL */
	WHOLE(C, 0x1b), WHOLE(D | C, 0x1e),
	END
};

static const struct listed scsi_write[] = {
	/* WRITE (6), (10), (12), (16), (32) */
	WHOLE(D, 0x0a), WHOLE(D, 0x2a), WHOLE(D, 0xaa), WHOLE(D, 0x8a),
	SUB(D, VARIABLE, 0x000b),
	/* WRITE AND VERIFY (10), (12), (16); UNMAP; WRITE SAME (16) */
	WHOLE(D, 0x2e), WHOLE(D, 0xae), WHOLE(D, 0x8e), WHOLE(D, 0x42),
	WHOLE(D, 0x93),
	END
};

static const struct listed scsi_flush[] = {
	/* START STOP UNIT, all else; SYNCHRONIZE CACHE (10), (16) */
	WHOLE(D | O, 0x1b), WHOLE(E, 0x35), WHOLE(E, 0x91),
	END
};

/* ATA: ACS-5 and older, command codes sorted by value; ZAC-2. */
static const struct listed ata_anyone[] = {
	/* READ SECTOR(S), MULTIPLE, DMA and their EXT forms, STREAM, FPDMA */
	WHOLE(E, 0x20), WHOLE(E, 0x24), WHOLE(E, 0xc4), WHOLE(E, 0x29),
	WHOLE(E, 0xc8), WHOLE(E, 0x25), WHOLE(E, 0x2a), WHOLE(E, 0x2b),
	WHOLE(E, 0x60),
	/* READ VERIFY SECTOR(S), EXT */
	WHOLE(E, 0x40), WHOLE(E, 0x42),
	/* READ LOG EXT, READ LOG DMA EXT: none that makes, resets, unknown */
	{ E, 0x2f, 0, 0x101 }, { E, 0x2f, 0x103, ALL_SUBS },
	{ E, 0x47, 0, 0x101 }, { E, 0x47, 0x103, ALL_SUBS },
	/* IDENTIFY DEVICE, IDENTIFY PACKET DEVICE, CHECK POWER MODE */
	WHOLE(E, 0xec), WHOLE(E, 0xa1), WHOLE(E, 0xe5),
	/* READ NATIVE MAX ADDRESS, EXT; GET NATIVE MAX ADDRESS EXT */
	WHOLE(E, 0xf8), WHOLE(E, 0x27), SUB(E, 0x78, 0x00),
	/* DEVICE CONFIGURATION IDENTIFY, DMA */
	SUB(E, 0xb1, 0xc2), SUB(E, 0xb1, 0xc4),
	/* SMART READ DATA, THRESHOLDS, LOG; RETURN STATUS */
	SUB(E, 0xb0, 0xd0), SUB(E, 0xb0, 0xd1), SUB(E, 0xb0, 0xd5),
	SUB(E, 0xb0, 0xda),
	/* ZAC MANAGEMENT IN: REPORT ZONES EXT */
	SUB(E, 0x4a, 0x00),
	/* TRUSTED RECEIVE, DMA: information and TCG discovery */
	SUB(E, 0x5c, 0x00), SUB(E, 0x5c, 0x01), SUB(E, 0x5d, 0x00),
	SUB(E, 0x5d, 0x01),
	/* PACKET: its CDB is judged by the SCSI table */
	WHOLE(E, 0xa0),
	END
};

static const struct listed ata_driver[] = {
	/* INITIALIZE DEVICE PARAMETERS, SET MULTIPLE MODE */
	WHOLE(E, 0x91), WHOLE(E, 0xc6),
	/* SET FEATURES: transfer mode, spin-up, SATA features, sense data */
	SUB(E, 0xef, 0x03), SUB(E, 0xef, 0x07), SUB(E, 0xef, 0x10),
	SUB(E, 0xef, 0x90), SUB(E, 0xef, 0xc3), SUB(E, 0xef, 0xc4),
	END
};

static const struct listed ata_write[] = {
	/* WRITE SECTOR(S), MULTIPLE, DMA, their EXT and FUA forms, FPDMA */
	WHOLE(E, 0x30), WHOLE(E, 0x34), WHOLE(E, 0xc5), WHOLE(E, 0x39),
	WHOLE(E, 0xca), WHOLE(E, 0x35), WHOLE(E, 0x3d), WHOLE(E, 0xce),
	WHOLE(E, 0x61),
	/* DATA SET MANAGEMENT: TRIM, also queued */
	SUB(E, 0x06, 0x01), SUB(E, 0x64, 0x00),
	END
};

static const struct listed ata_flush[] = {
	/* STANDBY IMMEDIATE, IDLE IMMEDIATE, FLUSH CACHE, FLUSH CACHE EXT */
	WHOLE(E, 0xe0), WHOLE(E, 0xe1), WHOLE(E, 0xe7), WHOLE(E, 0xea),
	END
};

/* NVM Express 2.0: base specification, opcodes for admin commands. */
static const struct listed nvme_admin_anyone[] = {
	/* Get Log Page, none that makes, takes, unknown; Identify, Features */
	{ E, 0x02, 0, 0x100 }, { E, 0x02, 0x101, 0xff },
	{ E, 0x02, 0x201, ALL_SUBS }, WHOLE(E, 0x06),
	WHOLE(E, 0x0a),
	/* Security Receive: information and TCG discovery; Get LBA Status */
	SUB(E, 0x82, 0x00), SUB(E, 0x82, 0x01), WHOLE(E, 0x86),
	END
};

static const struct listed nvme_admin_driver[] = {
	/* Delete and Create I/O Submission and Completion Queue */
	WHOLE(E, 0x00), WHOLE(E, 0x01), WHOLE(E, 0x04), WHOLE(E, 0x05),
	/* Abort, Asynchronous Event Request, Keep Alive, Doorbell Buffer */
	WHOLE(E, 0x08), WHOLE(E, 0x0c), WHOLE(E, 0x18), WHOLE(E, 0x7c),
	/* Set Features, not saved: queues, events, host memory, behaviour */
	SUB(E, 0x09, 0x07), SUB(E, 0x09, 0x0b), SUB(E, 0x09, 0x0d),
	SUB(E, 0x09, 0x16),
	END
};

/* NVM and zoned command sets. */
static const struct listed nvme_io_anyone[] = {
	/* Read, Verify, Reservation Report, Zone Management Receive */
	WHOLE(E, 0x02), WHOLE(E, 0x0c), WHOLE(E, 0x0e), WHOLE(E, 0x7a),
	END
};

static const struct listed nvme_io_write[] = {
	/* Flush, Write, Write Zeroes, Dataset Management */
	WHOLE(E, 0x00), WHOLE(E, 0x01), WHOLE(E, 0x08), WHOLE(E, 0x09),
	END
};

/* SD Physical Layer, 4.7.4 (detailed commands); JESD84-B51, 6.10. */
static const struct listed mmc_anyone[] = {
	/* interface or EXT_CSD, status, single and multiple read, protection */
	WHOLE(E, 8), WHOLE(E, 13), WHOLE(E, 17), WHOLE(E, 18), WHOLE(E, 30),
	END
};

static const struct listed mmc_driver[] = {
	/* identification: idle, voltage, CID, address, I/O cards, selection */
	WHOLE(E, 0), WHOLE(E, 1), WHOLE(E, 2), WHOLE(E, 3), WHOLE(E, 5),
	WHOLE(E, 7), WHOLE(E, 9), WHOLE(E, 10), WHOLE(E, 11), WHOLE(E, 52),
	/* transfers: stop, block length and count, bus tests and tuning */
	WHOLE(E, 12), WHOLE(E, 16), WHOLE(E, 23), WHOLE(E, 14), WHOLE(E, 19),
	WHOLE(E, 21),
	/* extension registers, announcing an application command */
	WHOLE(E, 48), WHOLE(E, 58), WHOLE(E, 55),
	/* SD SWITCH_FUNC; MMC SWITCH of access, width, timing, power class */
	SUB(E, 6, 0x200), SUB(E, 6, 179), SUB(E, 6, 183), SUB(E, 6, 185),
	SUB(E, 6, 187),
	END
};

static const struct listed mmc_write[] = {
	/* single and multiple write; erase and its two ends, SD and MMC */
	WHOLE(E, 24), WHOLE(E, 25), WHOLE(E, 38), WHOLE(E, 32), WHOLE(E, 33),
	WHOLE(E, 35), WHOLE(E, 36),
	END
};

static const struct listed mmc_flush[] = {
	/* SWITCH: FLUSH_CACHE */
	SUB(E, 6, 32),
	END
};

static const struct listed mmc_app_driver[] = {
	/* bus width, SD status, written blocks, voltage, SCR */
	WHOLE(E, 6), WHOLE(E, 13), WHOLE(E, 22), WHOLE(E, 41), WHOLE(E, 51),
	END
};

static const struct listed mmc_app_write[] = {
	/* SET_WR_BLK_ERASE_COUNT */
	WHOLE(E, 23),
	END
};

/* JESD220F, 10.7.8 (query function), 14.2 (flags), 14.3 (attributes). */
static const struct listed ufs_anyone[] = {
	/* read descriptor, attribute, flag */
	WHOLE(E, 0x01), WHOLE(E, 0x03), WHOLE(E, 0x05),
	END
};

static const struct listed ufs_driver[] = {
	/* wExceptionEventControl; fDeviceInit; fBackgroundOpsEn; NOP OUT */
	SUB(E, 0x04, 0x0d), SUB(E, 0x06, 0x01), SUB(E, 0x07, 0x04),
	WHOLE(E, 0xff),
	END
};

/* Virtual I/O Device 1.2, 5.2.6. */
static const struct listed virtio_anyone[] = {
	/* IN, GET_ID, ZONE_REPORT */
	WHOLE(E, 0), WHOLE(E, 8), WHOLE(E, 16),
	END
};

static const struct listed virtio_write[] = {
	/* OUT, FLUSH, DISCARD, WRITE_ZEROES */
	WHOLE(E, 1), WHOLE(E, 4), WHOLE(E, 11), WHOLE(E, 13),
	END
};

/* Intel 82077AA, command set summary. */
static const struct listed floppy_anyone[] = {
	/* read track, data, deleted data, ID; drive status; verify */
	WHOLE(E, 0x02), WHOLE(E, 0x06), WHOLE(E, 0x0c), WHOLE(E, 0x0a),
	WHOLE(E, 0x04), WHOLE(E, 0x16),
	END
};

static const struct listed floppy_driver[] = {
	/* recalibrate, seek */
	WHOLE(E, 0x07), WHOLE(E, 0x0f),
	END
};

static const struct listed floppy_write[] = {
	/* write data */
	WHOLE(E, 0x05),
	END
};

/* TPM 2.0 Library, part 2, command codes: 17Eh is opcode 7E, sub-code 01. */
static const struct listed tpm2_driver[] = {
	/* SelfTest, GetCapability, GetTestResult, PCR_Read */
	SUB(E, 0x43, 1), SUB(E, 0x7a, 1), SUB(E, 0x7c, 1), SUB(E, 0x7e, 1),
	END
};

static const struct listed tpm2_flush[] = {
	/* Shutdown */
	SUB(E, 0x45, 1),
	END
};

/* TPM Main 1.2, part 2, ordinals. */
static const struct listed tpm1_driver[] = {
	/* PCRRead, ContinueSelfTest, GetCapability */
	SUB(E, 0x15, 0), SUB(E, 0x53, 0), SUB(E, 0x65, 0),
	END
};

static const struct listed tpm1_flush[] = {
	/* SaveState */
	SUB(E, 0x98, 0),
	END
};

/**
 * struct expectation - what may pass of one command set
 * @set: its name
 * @anyone: passes on every disk, whoever asks
 * @driver: passes on every disk when a driver asks
 * @write: passes on a writable disk only
 * @flush: as @write; on a blocked disk a driver is told that it was done
 */
struct expectation {
	const char *set;
	const struct listed *anyone, *driver, *write, *flush;
};

static const struct expectation expectations[] = {
	{ "scsi", scsi_anyone, scsi_driver, scsi_write, scsi_flush },
	{ "ata", ata_anyone, ata_driver, ata_write, ata_flush },
	{ "nvme-admin", nvme_admin_anyone, nvme_admin_driver, nothing, nothing },
	{ "nvme-io", nvme_io_anyone, nothing, nvme_io_write, nothing },
	{ "mmc", mmc_anyone, mmc_driver, mmc_write, mmc_flush },
	{ "mmc-app", nothing, mmc_app_driver, mmc_app_write, nothing },
	{ "ufs-query", ufs_anyone, ufs_driver, nothing, nothing },
	{ "virtio-blk", virtio_anyone, nothing, virtio_write, nothing },
	{ "floppy", floppy_anyone, floppy_driver, floppy_write, nothing },
	{ "tpm2", nothing, tpm2_driver, nothing, tpm2_flush },
	{ "tpm1", nothing, tpm1_driver, nothing, tpm1_flush },
};

static bool is_on(const struct listed *list, const struct guard_command *command)
{
	for (; list->kinds; list++)
		if (list->opcode == command->opcode &&
		    (list->kinds & command->kind) &&
		    command->sub >= list->from &&
		    command->sub < list->from + list->count)
			return true;
	return false;
}

/* One bit for each of driver/program and writable/blocked: the answers. */
struct answers {
	enum guard_answer of[2][2];
};

#define FOR_PROGRAM	0
#define FOR_DRIVER	1

static struct answers expected(const struct expectation *expectation,
			       const struct guard_command *command)
{
	/* [driver][writable] */
	if (is_on(expectation->anyone, command))
		return (struct answers) { {
			{ GUARD_SENT, GUARD_SENT },
			{ GUARD_SENT, GUARD_SENT } } };
	if (is_on(expectation->driver, command))
		return (struct answers) { {
			{ GUARD_REFUSED, GUARD_REFUSED },
			{ GUARD_SENT, GUARD_SENT } } };
	if (is_on(expectation->write, command))
		return (struct answers) { {
			{ GUARD_REFUSED, GUARD_SENT },
			{ GUARD_REFUSED, GUARD_SENT } } };
	if (is_on(expectation->flush, command))
		return (struct answers) { {
			{ GUARD_REFUSED, GUARD_SENT },
			{ GUARD_ABSORBED, GUARD_SENT } } };
	return (struct answers) { {
		{ GUARD_REFUSED, GUARD_REFUSED },
		{ GUARD_REFUSED, GUARD_REFUSED } } };
}

/* Compares the four answers to one command; returns how many are wrong. */
static unsigned int compare(struct kunit *test, const struct guard_table *table,
			    const struct expectation *expectation,
			    const struct guard_command *command,
			    unsigned int wrong_before)
{
	struct answers wanted = expected(expectation, command);
	int row = guard_find(table, command);
	unsigned int driver, writable, wrong = 0;

	for (driver = FOR_PROGRAM; driver <= FOR_DRIVER; driver++)
		for (writable = 0; writable <= 1; writable++) {
			enum guard_answer got;

			got = guard_judge(table, row, driver, writable);
			if (got == wanted.of[driver][writable])
				continue;
			if (wrong_before + wrong < SHOWN)
				kunit_err(test, "%s %02x/%02x kind %x, %s, %s disk: answer %d, expected %d",
					  table->set, command->opcode,
					  command->sub, command->kind,
					  driver ? "driver" : "program",
					  writable ? "writable" : "blocked",
					  got, wanted.of[driver][writable]);
			wrong++;
		}
	return wrong;
}

static void only_what_is_listed_passes(struct kunit *test)
{
	static const u8 kinds[] = { D, C, O };
	unsigned int i, opcode, sub, kind, wrong, walked;

	KUNIT_ASSERT_EQ(test, guard_table_count, ARRAY_SIZE(expectations));
	for (i = 0; i < guard_table_count; i++) {
		const struct guard_table *table = guard_tables[i];

		KUNIT_ASSERT_STREQ(test, table->set, expectations[i].set);
		for (wrong = 0, walked = 0, opcode = 0; opcode < 256; opcode++) {
			unsigned int subs = opcode == VARIABLE ? ALL_SUBS : SUBS;

			for (sub = 0; sub < subs; sub++)
				for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
					struct guard_command command = {
						.opcode = opcode, .sub = sub,
						.kind = kinds[kind],
					};

					wrong += compare(test, table,
							 &expectations[i],
							 &command, wrong);
					walked++;
				}
			cond_resched();
		}
		kunit_info(test, "%s: %u commands\n", table->set, walked);
		KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "answers of %s", table->set);
	}
}

static void rows_are_sorted_and_exact_sub_codes_come_first(struct kunit *test)
{
	unsigned int i, row;

	for (i = 0; i < guard_table_count; i++)
		for (row = 1; row < guard_tables[i]->count; row++) {
			const struct guard_rule *rule = &guard_tables[i]->rules[row];

			KUNIT_EXPECT_LE_MSG(test, rule[-1].opcode, rule->opcode,
					    "%s row %u", guard_tables[i]->set,
					    row);
			if (rule[-1].opcode == rule->opcode &&
			    rule[-1].sub == GUARD_ALL &&
			    rule[-1].kinds & rule->kinds)
				KUNIT_FAIL(test, "%s row %u (%s) stands after all sub-codes",
					   guard_tables[i]->set, row,
					   rule->name);
		}
}

static void every_row_is_reached_for_every_kind_it_names(struct kunit *test)
{
	unsigned int i, row, kind;

	for (i = 0; i < guard_table_count; i++)
		for (row = 0; row < guard_tables[i]->count; row++) {
			const struct guard_rule *rule = &guard_tables[i]->rules[row];

			for (kind = 1; kind <= GUARD_OTHER; kind <<= 1) {
				struct guard_command command = {
					.opcode = rule->opcode, .kind = kind,
					.sub = rule->sub == GUARD_ALL ?
					       UNNAMED : rule->sub,
				};

				if (!(rule->kinds & kind))
					continue;
				KUNIT_EXPECT_EQ_MSG(test, (int)row,
						    guard_find(guard_tables[i],
							       &command),
						    "%s %s for kind %x",
						    guard_tables[i]->set,
						    rule->name, kind);
			}
		}
}

static void the_flight_recorder_has_room_for_every_table(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < guard_table_count; i++) {
		KUNIT_EXPECT_GT(test, guard_tables[i]->count, 0);
		KUNIT_EXPECT_LE_MSG(test, guard_tables[i]->count,
				    EVIDENCE_GUARD_ROWS, "%s",
				    guard_tables[i]->set);
	}
}

/* A field of the policy's text: tabs and newlines separate there. */
static bool is_field(const char *text)
{
	return text && *text && !strpbrk(text, "\t\n");
}

static void every_row_is_named_sourced_and_reasoned(struct kunit *test)
{
	unsigned int i, row;

	for (i = 0; i < guard_table_count; i++)
		for (row = 0; row < guard_tables[i]->count; row++) {
			const struct guard_rule *rule = &guard_tables[i]->rules[row];
			const char *set = guard_tables[i]->set;

			KUNIT_EXPECT_TRUE_MSG(test, is_field(rule->name),
					      "%s row %u", set, row);
			KUNIT_EXPECT_TRUE_MSG(test, is_field(rule->standard),
					      "%s row %u", set, row);
			KUNIT_EXPECT_TRUE_MSG(test, is_field(rule->reason),
					      "%s row %u", set, row);
			KUNIT_EXPECT_STRNEQ(test, "unknown",
					    guard_verdict_name(rule->verdict));
			KUNIT_EXPECT_NE(test, 0, rule->kinds);
			KUNIT_EXPECT_EQ(test, 0, rule->kinds & ~GUARD_ANY);
		}
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE(rows_are_sorted_and_exact_sub_codes_come_first),
	KUNIT_CASE(every_row_is_reached_for_every_kind_it_names),
	KUNIT_CASE(the_flight_recorder_has_room_for_every_table),
	KUNIT_CASE(every_row_is_named_sourced_and_reasoned),
	KUNIT_CASE(only_what_is_listed_passes),
	{ }
};

static struct kunit_suite policy_suite = {
	.name = "evidence_guard_policy",
	.test_cases = policy_cases,
};

kunit_test_suite(policy_suite);
