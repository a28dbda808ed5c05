// SPDX-License-Identifier: GPL-2.0
/*
 * What the boot loader may add. Command line and initramfs are part of the
 * signed image; a boot loader that could add to them freely would make the
 * signature worthless.
 */
#define pr_fmt(fmt) "evidence_guard: " fmt

#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/bootparam.h>
#include "guard.h"

/* A word passes when it begins with one of these. */
static const char *const allowed_prefixes[] __initconst = {
	"console=",	/* where messages and shells appear */
	"pf.",		/* read by our own init only */
};

static bool __init word_allowed(const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(allowed_prefixes); i++)
		if (str_has_prefix(word, allowed_prefixes[i]))
			return true;
	return false;
}

/**
 * evidence_guard_boot - keeps what the boot loader may say, drops the rest
 * @command_line: the boot loader's part, shortened in place
 * @params: boot parameters; an initramfs beside the built-in one is left out
 *
 * Quotes have no meaning here: no allowed word needs any, and a word with one
 * is dropped. On UEFI there are further ways for an initramfs; the kernel's EFI
 * entry and efi_init() leave them alone.
 */
void __init evidence_guard_boot(char *command_line, struct boot_params *params)
{
	char *from = command_line, *to = command_line, *word;

	while ((word = strsep(&from, " \t\r\n"))) {
		size_t len = strlen(word);

		if (!len)
			continue;
		if (!word_allowed(word) || strpbrk(word, "\"'")) {
			pr_notice("boot loader's word not taken: %s\n", word);
			continue;
		}
		if (to != command_line)
			*to++ = ' ';
		memmove(to, word, len);
		to += len;
	}
	*to = '\0';

	if (params->hdr.ramdisk_size || params->ext_ramdisk_size) {
		pr_notice("boot loader's initramfs not taken\n");
		params->hdr.ramdisk_image = 0;
		params->hdr.ramdisk_size = 0;
		params->ext_ramdisk_image = 0;
		params->ext_ramdisk_size = 0;
	}
}
