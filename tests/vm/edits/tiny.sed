# file: fs/libfs.c
# After the fentry slot only xor and the jump to the return thunk: no room for another jump.
/^int noop_fsync(/,/^}/ s/return 0;/return -EIO;/
