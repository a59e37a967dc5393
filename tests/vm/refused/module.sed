# file: fs/isofs/rock.c
# reason: loadable-module
# exit: 2
# A file that is built as a loadable module.
s/return 0;/return -EIO;/
