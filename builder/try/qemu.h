/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One virtual machine: QEMU with software emulation (so that it runs the same
 * on every build machine), two serial ports, no disk, no network.
 *
 * The first serial port is the kernel's console; the second one is the result
 * channel, on which only the programs of the VM write.
 */
#ifndef SUTURE_BUILDER_TRY_QEMU_H
#define SUTURE_BUILDER_TRY_QEMU_H

#include "base/buf.h"
#include "base/err.h"

/* The firmware for virtual machines of Debian (package ovmf). It knows Secure Boot. */
#define SUT_VM_OVMF "/usr/share/OVMF/OVMF_CODE_4M.fd"

enum {
	SUT_VM_CONSOLE_MAX = 32 << 20, /* bytes of kernel messages */
	SUT_VM_RESULT_MAX = 32 << 20,
};

struct sut_vm_opts {
	const char *kernel; /* bzImage */
	const char *initrd; /* file made with initramfs.h */
	const char *append; /* kernel command line, after our own; may be NULL */
	const char *
		uefi; /* variable store of the UEFI firmware, which boots the kernel then; NULL: BIOS */
	const char *cpu; /* QEMU's name of the CPU model */
	unsigned int memory_mb;
	unsigned int cpus;
	const char *ready;	  /* text on the result channel once the VM has booted */
	const char *done;	  /* text on the result channel once all is over */
	unsigned int boot_sec;	  /* limit until ready */
	unsigned int timeout_sec; /* limit from ready until done */
	/* Called whenever the result channel has brought something; may be NULL. */
	void (*progress)(void *arg, const struct sut_buf *result);
	void *arg;
};

/*
 * Boots the VM and waits until it is done and has ended; QEMU never outlives
 * the call. console and result receive all that was written, in every case.
 *
 * -EAGAIN: did not get ready in time, or ended before (worth one more try);
 * -ETIMEDOUT: ready but not done in time; -EIO: ended without being done (a
 * kernel panic, mostly); -ENOENT: there is no QEMU.
 */
int sut_vm_run(const struct sut_vm_opts *o, struct sut_buf *console, struct sut_buf *result,
	       struct sut_err *err) _must_check_;

#endif
