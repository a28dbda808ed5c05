// SPDX-License-Identifier: GPL-2.0
/* The UFS gate, for requests beside SCSI commands, which pass the SCSI gate. */
#include <ufs/ufshcd.h>
#include "command.h"

/**
 * evidence_guard_ufs - judges a device management request
 * @hba: its controller
 * @upiu: the request as it will be sent
 */
bool evidence_guard_ufs(struct ufs_hba *hba, const struct utp_upiu_req *upiu)
{
	struct guard_asking asking = {
		.table = &guard_ufs_table,
		.recorder = &hba->guard,
		.device = dev_name(hba->dev),
		/* No node for programs is built. */
		.by_driver = true,
	};
	struct guard_command command =
		guard_decode_ufs(upiu->header.transaction_code,
				 upiu->qr.opcode, upiu->qr.idn);

	return guard_command(&asking, &command) == GUARD_SENT;
}
