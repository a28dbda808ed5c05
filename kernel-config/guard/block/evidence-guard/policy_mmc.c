// SPDX-License-Identifier: GPL-2.0
/*
 * SD and MMC commands: SD Physical Layer Simplified Specification 6.00 and
 * JESD84-B51. Application commands, those after an accepted CMD55, have a
 * table of their own.
 */
#include <linux/kernel.h>
#include "policy.h"

#define ROW(_opcode, _sub, _verdict, _name, _standard, _reason) {		\
	.opcode = _opcode, .kinds = GUARD_ANY, .sub = _sub,			\
	.verdict = GUARD_##_verdict, .name = _name, .standard = _standard,	\
	.reason = _reason }
#define ALL	GUARD_ALL
#define SD	"SD 6.00"
#define MMC	"JESD84-B51"

/*
 * CMD6 is SWITCH_FUNC with data on SD and SWITCH without on MMC, where the
 * sub-code is the byte of EXT_CSD that is to be changed.
 */
#define SD_SWITCH	0x200
#define SD_SWITCH_OTHER	0x201
#define ANOTHER_WAY	0x202

static const struct guard_rule rules[] = {
	ROW(0, ALL, DRIVER, "GO_IDLE_STATE", SD, "begins identification"),
	ROW(1, ALL, DRIVER, "SEND_OP_COND", MMC, "voltage; volatile"),
	ROW(2, ALL, DRIVER, "ALL_SEND_CID", SD, "asks for identity"),
	ROW(3, ALL, DRIVER, "SEND_RELATIVE_ADDR", SD, "address on the bus; volatile"),
	ROW(5, ALL, DRIVER, "IO_SEND_OP_COND, on MMC SLEEP_AWAKE", SD, "looks for an I/O card; volatile"),
	ROW(6, SD_SWITCH, DRIVER, "SWITCH_FUNC, functions 1 to 4", SD, "bus speed, current; volatile"),
	ROW(6, SD_SWITCH_OTHER, REFUSE, "SWITCH_FUNC, other functions", SD, "not needed"),
	ROW(6, 32, ABSORB, "SWITCH: FLUSH_CACHE", MMC, "nothing was accepted that could be made durable"),
	ROW(6, 179, DRIVER, "SWITCH: PARTITION_CONFIG, access", MMC, "which area reads go to; the bits that last stay as they are"),
	ROW(6, 183, DRIVER, "SWITCH: BUS_WIDTH", MMC, "width of the bus; volatile"),
	ROW(6, 185, DRIVER, "SWITCH: HS_TIMING", MMC, "speed of the bus; volatile"),
	ROW(6, 187, DRIVER, "SWITCH: POWER_CLASS", MMC, "current; volatile"),
	ROW(6, ALL, REFUSE, "SWITCH, other bytes", MMC, "change settings, some of them once and for ever"),
	ROW(7, ALL, DRIVER, "SELECT/DESELECT_CARD", SD, "addresses the card"),
	ROW(8, ALL, PASS, "SEND_IF_COND, on MMC SEND_EXT_CSD", SD, "voltage; asks for settings"),
	ROW(9, ALL, DRIVER, "SEND_CSD", SD, "asks for settings"),
	ROW(10, ALL, DRIVER, "SEND_CID", SD, "asks for identity"),
	ROW(11, ALL, DRIVER, "VOLTAGE_SWITCH", SD, "voltage; volatile"),
	ROW(12, ALL, DRIVER, "STOP_TRANSMISSION", SD, "ends a read"),
	ROW(13, ALL, PASS, "SEND_STATUS", SD, "asks for status"),
	ROW(14, ALL, DRIVER, "BUSTEST_R", MMC, "tries the bus"),
	ROW(15, ALL, REFUSE, "GO_INACTIVE_STATE", SD, "switches the card off until power-off"),
	ROW(16, ALL, DRIVER, "SET_BLOCKLEN", SD, "length of a block; volatile"),
	ROW(17, ALL, PASS, "READ_SINGLE_BLOCK", SD, "reads the medium"),
	ROW(18, ALL, PASS, "READ_MULTIPLE_BLOCK", SD, "reads the medium"),
	ROW(19, ALL, DRIVER, "SEND_TUNING_BLOCK, on MMC BUSTEST_W", SD, "tries the bus"),
	ROW(20, ALL, REFUSE, "SPEED_CLASS_CONTROL", SD, "prepares a recording"),
	ROW(21, ALL, DRIVER, "SEND_TUNING_BLOCK_HS200", MMC, "tries the bus"),
	ROW(23, ALL, DRIVER, "SET_BLOCK_COUNT", SD, "length of the read or write that follows, which is judged itself"),
	ROW(24, ALL, WRITE, "WRITE_BLOCK", SD, "writes the medium"),
	ROW(25, ALL, WRITE, "WRITE_MULTIPLE_BLOCK", SD, "writes the medium"),
	ROW(26, ALL, REFUSE, "PROGRAM_CID", MMC, "changes identity"),
	ROW(27, ALL, REFUSE, "PROGRAM_CSD", SD, "changes settings, one of them for ever"),
	ROW(28, ALL, REFUSE, "SET_WRITE_PROT", SD, "changes write protection"),
	ROW(29, ALL, REFUSE, "CLR_WRITE_PROT", SD, "changes write protection"),
	ROW(30, ALL, PASS, "SEND_WRITE_PROT", SD, "asks for write protection"),
	ROW(32, ALL, WRITE, "ERASE_WR_BLK_START", SD, "prepares a discard"),
	ROW(33, ALL, WRITE, "ERASE_WR_BLK_END", SD, "prepares a discard"),
	ROW(35, ALL, WRITE, "ERASE_GROUP_START", MMC, "prepares a discard"),
	ROW(36, ALL, WRITE, "ERASE_GROUP_END", MMC, "prepares a discard"),
	ROW(38, ALL, WRITE, "ERASE", SD, "discards blocks"),
	ROW(39, ALL, REFUSE, "FAST_IO", MMC, "writes registers"),
	ROW(42, ALL, REFUSE, "LOCK_UNLOCK", SD, "locks, unlocks, erases"),
	ROW(44, ALL, REFUSE, "QUEUED_TASK_PARAMS", MMC, "queueing is not switched on"),
	ROW(45, ALL, REFUSE, "QUEUED_TASK_ADDRESS", MMC, "queueing is not switched on"),
	ROW(46, ALL, REFUSE, "EXECUTE_READ_TASK", MMC, "queueing is not switched on"),
	ROW(47, ALL, REFUSE, "EXECUTE_WRITE_TASK", MMC, "queueing is not switched on"),
	ROW(48, ALL, DRIVER, "READ_EXTR_SINGLE, on MMC CMDQ_TASK_MGMT", SD, "asks for extensions"),
	ROW(49, ALL, REFUSE, "WRITE_EXTR_SINGLE", SD, "changes settings"),
	ROW(52, ALL, DRIVER, "IO_RW_DIRECT", "SDIO 3.00", "resets an I/O card, if it is one"),
	ROW(53, ALL, REFUSE, "IO_RW_EXTENDED", "SDIO 3.00", "no I/O cards"),
	ROW(54, ALL, REFUSE, "SECURITY_PROTOCOL_WR", MMC, "locks, unlocks, erases"),
	ROW(55, ALL, DRIVER, "APP_CMD", SD, "announces an application command, which is judged itself"),
	ROW(56, ALL, REFUSE, "GEN_CMD", SD, "vendor-specific"),
	ROW(58, ALL, DRIVER, "READ_EXTR_MULTI, on SPI READ_OCR", SD, "asks for extensions"),
	ROW(59, ALL, REFUSE, "WRITE_EXTR_MULTI", SD, "changes settings"),
};

static const struct guard_rule app_rules[] = {
	ROW(6, ALL, DRIVER, "SET_BUS_WIDTH", SD, "width of the bus; volatile"),
	ROW(13, ALL, DRIVER, "SD_STATUS", SD, "asks for status"),
	ROW(22, ALL, DRIVER, "SEND_NUM_WR_BLOCKS", SD, "asks for a count"),
	ROW(23, ALL, WRITE, "SET_WR_BLK_ERASE_COUNT", SD, "prepares a write"),
	ROW(41, ALL, DRIVER, "SD_SEND_OP_COND", SD, "voltage; volatile"),
	ROW(42, ALL, REFUSE, "SET_CLR_CARD_DETECT", SD, "not needed"),
	ROW(51, ALL, DRIVER, "SEND_SCR", SD, "asks for settings"),
};

const struct guard_table guard_mmc_table = {
	.set = "mmc", .rules = rules, .count = ARRAY_SIZE(rules),
};

const struct guard_table guard_mmc_app_table = {
	.set = "mmc-app", .rules = app_rules, .count = ARRAY_SIZE(app_rules),
};

/* SD: mode and groups 1-4 may be anything, groups 5 and 6 stay (0h or Fh). */
static u16 sd_switch(u32 argument)
{
	u8 group5 = argument >> 16 & 0xf, group6 = argument >> 20 & 0xf;

	if ((group5 && group5 != 0xf) || (group6 && group6 != 0xf))
		return SD_SWITCH_OTHER;
	return SD_SWITCH;
}

/*
 * MMC: access mode in bits 25:24, byte in 23:16, value in 15:8. Only "write
 * byte" says by itself what the byte becomes. Of PARTITION_CONFIG, the bits
 * above the access bits choose what the machine boots from, and last.
 */
static u16 mmc_switch(u32 argument, u8 partition_config)
{
	u8 mode = argument >> 24 & 0x3, byte = argument >> 16 & 0xff;
	u8 value = argument >> 8 & 0xff;

	if (mode != 3)
		return ANOTHER_WAY;
	if (byte == 179 && (value ^ partition_config) & ~0x07)
		return ANOTHER_WAY;
	return byte;
}

/**
 * guard_decode_mmc - what a command, application command or not, asks for
 * @opcode: number of the command
 * @argument: its argument
 * @has_data: whether data goes with it
 * @partition_config: what PARTITION_CONFIG of the card is now
 */
struct guard_command guard_decode_mmc(u32 opcode, u32 argument, bool has_data,
				      u8 partition_config)
{
	struct guard_command command = {
		.opcode = opcode, .kind = GUARD_ANY,
	};

	if (opcode == 6)
		command.sub = has_data ? sd_switch(argument) :
			      mmc_switch(argument, partition_config);
	return command;
}
