# The console's memory and its audit log.
foreach(subject alert device action access audit audit_attacks code collection policy sync)
  cordon_test(test_console_store_${subject}
    SOURCES test_store_${subject}.c store_place.c LINK cordon::console_store)
  target_compile_definitions(test_console_store_${subject} PRIVATE _GNU_SOURCE)
endforeach()
