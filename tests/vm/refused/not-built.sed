# file: fs/adfs/super.c
# reason: not-built
# exit: 2
# A file that is not part of this kernel.
s/return 0;/return -EIO;/
