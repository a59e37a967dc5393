// SPDX-License-Identifier: Apache-2.0
/* Preloaded: its symbols come before those of the library. */
int victim_left(void);
int victim_left(void)
{
	return 70;
}

int victim_number = 140;
