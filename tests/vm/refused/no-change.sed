# file: fs/proc/version.c
# reason: no-change
# exit: 2
# A comment only.
s,^static int version_proc_show,/* suture */\n&,
