/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR Apache-2.0 */
/*
 * The contract between user space, suture.ko and kernel payloads.
 *
 * Three parts: the table of expected bytes (written by suture-build, read by
 * suture.ko), the description a payload module registers (written by
 * suture-build, read by suture.ko), and the ioctls of /dev/suture.
 * All numbers are little-endian; all structures are naturally aligned.
 * "Link address" means the address in vmlinux as linked, before KASLR.
 */
#ifndef _UAPI_SUTURE_H
#define _UAPI_SUTURE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SUTURE_ABI 1
#define SUTURE_NAME_MAX 128	     /* function name with its NUL */
#define SUTURE_MODULE_MAX 56	     /* module name with its NUL */
#define SUTURE_ID_MAX 64	     /* patch id with its NUL */
#define SUTURE_MAX_FUNCS 4096	     /* records in one table */
#define SUTURE_MAX_EXPECT (16 << 20) /* bytes of one table */
#define SUTURE_BUILD_ID_LEN 20

/* ------------------------------------------------------------------ */
/* Expected bytes: header, records, bytes, strings; offsets from start. */

#define SUTURE_EXPECT_MAGIC "SUTEXPT1" /* 8 bytes, no NUL */

struct suture_expect_header {
	__u8 magic[8];
	__u32 total_size; /* of the whole table, bytes */
	__u32 nfuncs;	  /* records right after this header */
	__u32 bytes_off;  /* expected bytes and masks */
	__u32 bytes_size;
	__u32 strings_off; /* NUL-terminated names */
	__u32 strings_size;
	__u64 anchor_addr;		    /* link address of _printk */
	__u8 build_id[SUTURE_BUILD_ID_LEN]; /* of the running kernel */
	__u32 reserved;			    /* 0 */
};

/* What a record is for; bits may be combined. */
#define SUTURE_EXPECT_REPLACE 1 /* the entry of this function gets redirected */
#define SUTURE_EXPECT_NOSTACK 2 /* must not be on any stack at the switch */
/* A .cold/.part piece of a replaced function is NOSTACK only. */

/* How the entry is redirected. */
#define SUTURE_REDIRECT_NONE 0
#define SUTURE_REDIRECT_JUMP_FENTRY 1 /* 5-byte jump right after the 5-byte fentry slot */
#define SUTURE_REDIRECT_JUMP_ENTRY 2  /* 5-byte jump at the entry: there is no fentry slot */
#define SUTURE_REDIRECT_FTRACE 3      /* through ftrace: the first bytes change at run time */

struct suture_expect_func {
	__u64 addr;	    /* link address */
	__u32 size;	    /* bytes of code; expected bytes and mask have this length each */
	__u32 flags;	    /* SUTURE_EXPECT_* */
	__u32 redirect;	    /* SUTURE_REDIRECT_* */
	__u32 redirect_off; /* where the jump goes, from addr (endbr and fentry slot before it) */
	__u32 name_off;	    /* into strings */
	__u32 bytes_off;    /* into bytes: `size` expected bytes, then `size` mask bytes */
};

/* Mask bytes: what to do with the expected byte at the same place. */
#define SUTURE_MASK_IGNORE 0 /* the kernel rewrites it: fentry slot, alternative, … */
#define SUTURE_MASK_EQUAL 1  /* running byte must be equal */
#define SUTURE_MASK_ABS32 2  /* first of 4: absolute address, the KASLR offset is added */
#define SUTURE_MASK_ABS64 3  /* first of 8: the same in 8 bytes */
#define SUTURE_MASK_CONT 4   /* the further bytes of an ABS field */

/* ------------------------------------------------------------------ */
/* Payload: what its init function gives to suture_payload_register().  */

struct suture_payload_func {
	__u64 old_addr;	    /* run-time address of the original entry */
	__u64 new_addr;	    /* run-time address of the new function */
	__u32 new_size;	    /* bytes of the new function */
	__u32 expect_index; /* its record in the expected bytes */
};

/*
 * int suture_payload_register(const void *payload, void *module);
 * void suture_payload_unregister(const void *payload);
 * Plain pointers, so that their symbol versions (the CRC genksyms makes from
 * the declaration) are the same in every build of the engine.
 */
#define SUTURE_REGISTER_CRC 0xe00abc7d
#define SUTURE_UNREGISTER_CRC 0x1577d000

#define SUTURE_PAYLOAD_KEEP 1 /* addresses in it may have escaped: never unload */

struct suture_payload {
	__u32 abi;  /* SUTURE_ABI */
	__u32 size; /* of this structure */
	__u32 level;
	__u32 nfuncs;
	__u32 flags;	   /* SUTURE_PAYLOAD_* */
	__u32 expect_size; /* bytes */
	__u64 id;	   /* const char *: patch id */
	__u64 cves;	   /* const char *: CVE ids, space-separated, may be "" */
	__u64 funcs;	   /* const struct suture_payload_func * */
	__u64 expect;	   /* const struct suture_expect_header * */
};

/* ------------------------------------------------------------------ */
/* ioctls of /dev/suture (mode 0600, CAP_SYS_ADMIN and CAP_SYS_MODULE). */
/* The result structure is copied back on failure too.                  */

/* struct suture_result.outcome */
#define SUTURE_OK 0
#define SUTURE_E_TABLE 1      /* malformed expected-bytes table or payload; errno EINVAL */
#define SUTURE_E_BUILD_ID 2   /* made for another kernel build; ENOEXEC */
#define SUTURE_E_SYMBOL 3     /* the address is another symbol here; ENOEXEC */
#define SUTURE_E_MISMATCH 4   /* running bytes differ; EILSEQ */
#define SUTURE_E_BUSY 5	      /* a task is inside an old function; EBUSY */
#define SUTURE_E_UNRELIABLE 6 /* a stack could not be walked to its end; EBUSY */
#define SUTURE_E_FTRACE 7     /* ftrace refused the redirect; its errno is kept */
#define SUTURE_E_NOT_FOUND 8  /* no such payload is loaded, or nothing is applied; ENOENT */
#define SUTURE_E_CHANGED 9    /* our own jump was overwritten by someone; EILSEQ */
#define SUTURE_E_NOMEM 10     /* ENOMEM */
#define SUTURE_E_REACH 11     /* the payload is too far for a 5-byte jump; ERANGE */

#define SUTURE_BUSY_TASKS 4
#define SUTURE_BUSY_FRAMES 12
#define SUTURE_FRAME_MAX 80

struct suture_busy_task {
	__s32 pid;
	__u32 nframes;
	char comm[16];
	char func[SUTURE_NAME_MAX]; /* the old function it is in; "" when unreliable */
	char frames[SUTURE_BUSY_FRAMES][SUTURE_FRAME_MAX]; /* innermost first, "name+0x1/0x2" */
};

struct suture_result {
	__u32 outcome;	    /* SUTURE_OK or SUTURE_E_* */
	__u32 offset;	    /* MISMATCH, CHANGED: byte offset in func */
	__u8 expected;	    /* MISMATCH: the byte that should be there */
	__u8 found;	    /* MISMATCH: the byte that is there; 0xcc is a breakpoint (kprobe) */
	__u16 nbusy;	    /* BUSY, UNRELIABLE: entries in busy[] */
	__u32 nfuncs;	    /* functions verified or switched */
	__u32 compared;	    /* VERIFY: bytes compared */
	__u32 ignored;	    /* VERIFY: bytes masked out */
	__u32 tasks_before; /* stacks walked before the pause */
	__u32 tasks_inside; /* stacks walked inside the pause */
	__u64 pause_ns;	    /* all CPUs held: first CPU in to last CPU out */
	__u64 stop_ns;	    /* the whole stop_machine call */
	char func[SUTURE_NAME_MAX]; /* the function the outcome is about */
	struct suture_busy_task busy[SUTURE_BUSY_TASKS];
};

struct suture_verify {
	__u64 expect;	   /* in: user pointer to the table */
	__u32 expect_size; /* in: bytes */
	__u32 reserved;	   /* 0 */
	struct suture_result result;
};

#define SUTURE_SWITCH_DRY_RUN 1 /* all checks and the pause, but nothing is written */

struct suture_switch {
	char module[SUTURE_MODULE_MAX]; /* APPLY: a registered payload; REVERT: ignored */
	__u32 flags;			/* SUTURE_SWITCH_* */
	__u32 reserved;			/* 0 */
	struct suture_result result;
};

struct suture_status {
	__u32 abi;	  /* SUTURE_ABI of the engine */
	__u32 applied;	  /* 1 when a patch is active */
	__u32 level;	  /* of the active patch, else 0 */
	__u32 nfuncs;	  /* functions redirected */
	__u64 applied_at; /* CLOCK_REALTIME, seconds; 0 when none */
	__u64 pause_ns;	  /* of the switch that applied it */
	__u64 stop_ns;
	char id[SUTURE_ID_MAX];
	char module[SUTURE_MODULE_MAX];
};

/* Empty stop_machine calls, for comparison with a switch. */
struct suture_pause {
	__u32 rounds;	/* in: 1…1000 */
	__u32 reserved; /* 0 */
	__u64 min_ns;	/* out: whole call */
	__u64 median_ns;
	__u64 max_ns;
};

#define SUTURE_IOC_STATUS _IOR('S', 0x80, struct suture_status)
#define SUTURE_IOC_VERIFY _IOWR('S', 0x81, struct suture_verify)
#define SUTURE_IOC_APPLY _IOWR('S', 0x82, struct suture_switch)
#define SUTURE_IOC_REVERT _IOWR('S', 0x83, struct suture_switch)
#define SUTURE_IOC_PAUSE _IOWR('S', 0x84, struct suture_pause)

#endif
