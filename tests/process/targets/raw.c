// SPDX-License-Identifier: Apache-2.0
/*
 * A program without any library and without a dynamic linker, like those that make their own code: it writes some, and runs it.
 * RAW_32: for i386.
 */
typedef unsigned long word;

static long call(long nr, word a, word b, word c, word d, word e, word f);

#ifdef RAW_32
enum { NR_READ = 3, NR_WRITE = 4, NR_EXIT = 1, NR_MMAP = 192 };
static long call(long nr, word a, word b, word c, word d, word e, word f)
{
	long r;

	(void)f;
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return r;
}
#else
enum { NR_READ = 0, NR_WRITE = 1, NR_EXIT = 60, NR_MMAP = 9 };
static long call(long nr, word a, word b, word c, word d, word e, word f)
{
	register word r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}
#endif

__attribute__((noinline, noclone)) int victim_value(int x);
__attribute__((noinline, noclone)) int victim_value(int x)
{
	return x + 1;
}

void _start(void);
void _start(void)
{
	/* mov $1, %eax; ret */
	static const unsigned char code[] = {0xb8, 1, 0, 0, 0, 0xc3};
	unsigned char *made;
	char c, out[2];

	made = (unsigned char *)call(NR_MMAP, 0, 4096, 7, 0x22, (word)-1, 0);
	for (unsigned int i = 0; i < sizeof(code); i++)
		((volatile unsigned char *)made)[i] = code[i];
	call(NR_WRITE, 1, (word) "ready\n", 6, 0, 0, 0);
	while (call(NR_READ, 0, (word)&c, 1, 0, 0, 0) == 1 && c != 'q') {
		int v = c == 'v' ? victim_value(0) : ((int (*)(void))made)();

		out[0] = (char)('0' + v);
		out[1] = '\n';
		call(NR_WRITE, 1, (word)out, 2, 0, 0, 0);
	}
	call(NR_EXIT, 0, 0, 0, 0, 0, 0);
	for (;;)
		;
}
