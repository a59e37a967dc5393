# file: drivers/char/random.c
# reason: changed-data
# exit: 2
# A static table whose contents change.
/^static struct ctl_table random_table/,/^};/ s/0444/0400/
