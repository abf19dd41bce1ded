unit(storage/test_keys.c USES storage_keys)
