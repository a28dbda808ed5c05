// SPDX-License-Identifier: GPL-2.0
/*
 * The SD and MMC gate: before a request is handed to the host controller, and
 * for programs before the ioctl that would send their commands.
 */
#include <linux/mmc/card.h>
#include <linux/mmc/core.h>
#include <linux/mmc/host.h>
#include <linux/mmc/ioctl.h>
#include <linux/mmc/mmc.h>
#include "command.h"

#define CMD_MAX	63

/* Is an MMC card, and the areas that it has, writable? Told by state.c. */
static bool card_writable(const struct mmc_host *host)
{
	return host->card && atomic_read(&host->card->guard_writable) > 0;
}

static enum guard_answer judge(struct mmc_host *host, bool app, bool by_driver,
			       const struct mmc_command *cmd, bool has_data)
{
	struct guard_asking asking = {
		.table = app ? &guard_mmc_app_table : &guard_mmc_table,
		.recorder = app ? &host->guard_app : &host->guard,
		.device = mmc_hostname(host),
		.by_driver = by_driver,
		/* Writes by a program's own command are not needed. */
		.writable = by_driver && card_writable(host),
	};
	u8 config = host->card ? host->card->ext_csd.part_config : 0;
	struct guard_command command = guard_decode_mmc(cmd->opcode, cmd->arg,
							has_data, config);

	return guard_command(&asking, &command);
}

static bool refuse(struct mmc_command *cmd)
{
	/*
	 * -EBADMSG is how a card says that it does not know a SWITCH: the
	 * driver goes on without. A second try would not be answered better.
	 */
	cmd->error = -EBADMSG;
	cmd->retries = 0;
	return false;
}

/**
 * evidence_guard_mmc - judges a request on its way to the host controller
 * @host: the host controller
 * @mrq: the request: perhaps a block count, a command, perhaps a stop
 *
 * Return: false when it is not to be sent; it is to be completed then.
 */
bool evidence_guard_mmc(struct mmc_host *host, struct mmc_request *mrq)
{
	/* The command right after an accepted CMD55 is another command. */
	bool app = host->guard_app_cmd;
	enum guard_answer answer;

	host->guard_app_cmd = false;
	if (!mrq->cmd)
		return false;
	if (mrq->cmd->opcode > CMD_MAX)
		return refuse(mrq->cmd);
	answer = judge(host, app, true, mrq->cmd, mrq->data);
	if (answer == GUARD_REFUSED)
		return refuse(mrq->cmd);
	if (answer == GUARD_ABSORBED) {
		mrq->cmd->error = 0;
		return false;
	}
	if (mrq->sbc &&
	    judge(host, false, true, mrq->sbc, false) != GUARD_SENT)
		return refuse(mrq->cmd);
	return true;
}

/**
 * evidence_guard_mmc_done - a request has ended
 * @host: the host controller
 * @mrq: the request
 */
void evidence_guard_mmc_done(struct mmc_host *host, struct mmc_request *mrq)
{
	const struct mmc_command *cmd = mrq->cmd;

	/* With a block count a transfer ends by itself, else by a stop. */
	if (cmd && !cmd->error && mrq->stop && !mrq->sbc)
		judge(host, false, true, mrq->stop, false);
	if (cmd && cmd->opcode == MMC_APP_CMD)
		host->guard_app_cmd = !cmd->error &&
				      (cmd->resp[0] & R1_APP_CMD);
}

/**
 * evidence_guard_mmc_ioctl - judges a command that a program asks for
 * @host: the host controller
 * @ioc: the command
 *
 * Before its CMD55, if it has one: a card that was told of an application
 * command must not be left waiting for it.
 */
bool evidence_guard_mmc_ioctl(struct mmc_host *host,
			      const struct mmc_ioc_cmd *ioc)
{
	struct mmc_command cmd = { .opcode = ioc->opcode, .arg = ioc->arg };
	struct guard_asking asking = {
		.table = ioc->is_acmd ? &guard_mmc_app_table : &guard_mmc_table,
		.recorder = ioc->is_acmd ? &host->guard_app : &host->guard,
		.device = mmc_hostname(host),
	};
	struct guard_command command = guard_decode_mmc(cmd.opcode & 0xff,
							cmd.arg, ioc->blksz, 0);
	int row = guard_find(asking.table, &command);

	if (cmd.opcode <= CMD_MAX && !ioc->write_flag &&
	    guard_judge(asking.table, row, false, false) == GUARD_SENT)
		return true;
	guard_count(asking.recorder, asking.table, row, command.opcode,
		    GUARD_REFUSED);
	guard_refuse_command(&asking, &command);
	return false;
}
