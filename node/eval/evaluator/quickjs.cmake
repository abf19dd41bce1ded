# The JavaScript engine, quickjs-ng, as the target `quickjs`. Its C files come inside the source
# archive of the Python package `quickjs-ng`: fetched by pip from wherever pip is set up to look, name,
# version and hash pinned, kept in the user's cache so that the next build tree does not fetch it
# again, unpacked in the build tree. ORPHEUS_QUICKJS_SOURCE names a folder that has the files instead.
set(ORPHEUS_QUICKJS_SOURCE "" CACHE PATH "folder with quickjs.c of quickjs-ng (empty: fetch the pinned one)")
set(QUICKJS_VERSION 0.17.0.2)
set(QUICKJS_SHA256 43d2e48272208721a7aaea8e3f02d4b9318f12ef20cc4f5421b59d9a470706ef)

function(quickjs_refuse reason)
    message(
        FATAL_ERROR
        "quickjs-ng ${QUICKJS_VERSION}, the engine that runs JavaScript in workflows, is not there: ${reason}\n"
        "Either let pip reach a package index, or name a folder with its sources: "
        "-DORPHEUS_QUICKJS_SOURCE=FOLDER, or build without scripts: -DORPHEUS_EVALUATOR=OFF."
    )
endfunction()

# Sets `out_archive` to a verified archive in the user's cache.
function(quickjs_archive out_archive)
    if(DEFINED ENV{XDG_CACHE_HOME} AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
        set(cache "$ENV{XDG_CACHE_HOME}/orpheus")
    else()
        set(cache "$ENV{HOME}/.cache/orpheus")
    endif()
    set(archive "${cache}/quickjs_ng-${QUICKJS_VERSION}.tar.gz")
    if(EXISTS "${archive}")
        file(SHA256 "${archive}" have)
        if(have STREQUAL QUICKJS_SHA256)
            set(${out_archive} "${archive}" PARENT_SCOPE)
            return()
        endif()
    endif()
    message(STATUS "fetching quickjs-ng ${QUICKJS_VERSION}")
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/fetched")
    file(WRITE "${folder}/pinned.txt" "quickjs-ng==${QUICKJS_VERSION} --hash=sha256:${QUICKJS_SHA256}\n")
    execute_process(
        COMMAND
            python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all:
            --require-hashes --dest "${folder}" -r "${folder}/pinned.txt"
        RESULT_VARIABLE status
        OUTPUT_VARIABLE said
        ERROR_VARIABLE said
    )
    file(GLOB fetched "${folder}/quickjs*.tar.gz")
    if(NOT status EQUAL 0 OR NOT fetched)
        quickjs_refuse("pip says\n${said}\n")
    endif()
    # Renamed into place, for several build trees may be at it.
    file(MAKE_DIRECTORY "${cache}")
    string(RANDOM suffix)
    file(COPY_FILE "${fetched}" "${archive}.${suffix}")
    file(RENAME "${archive}.${suffix}" "${archive}")
    set(${out_archive} "${archive}" PARENT_SCOPE)
endfunction()

if(ORPHEUS_QUICKJS_SOURCE)
    set(quickjs_folder "${ORPHEUS_QUICKJS_SOURCE}")
else()
    set(quickjs_folder "${CMAKE_CURRENT_BINARY_DIR}/quickjs_ng-${QUICKJS_VERSION}/upstream-quickjs")
    if(NOT EXISTS "${quickjs_folder}/quickjs.c")
        quickjs_archive(quickjs_archive_file)
        file(ARCHIVE_EXTRACT INPUT "${quickjs_archive_file}" DESTINATION "${CMAKE_CURRENT_BINARY_DIR}")
    endif()
endif()
if(NOT EXISTS "${quickjs_folder}/quickjs.c")
    quickjs_refuse("${quickjs_folder} has no quickjs.c")
endif()

# Other people's code: warnings off, always optimised (a Debug build of it is ten times slower), and
# sanitized like everything else.
add_library(
    quickjs STATIC
    "${quickjs_folder}/dtoa.c"
    "${quickjs_folder}/libregexp.c"
    "${quickjs_folder}/libunicode.c"
    "${quickjs_folder}/quickjs.c"
)
target_include_directories(quickjs SYSTEM PUBLIC "${quickjs_folder}")
target_compile_definitions(quickjs PRIVATE _GNU_SOURCE NDEBUG)
# Not instrumented: it is not ours to sanitize, and its interpreter loop takes the compiler minutes.
target_compile_options(quickjs PRIVATE -w -O2 -fno-sanitize=all)
set_target_properties(quickjs PROPERTIES COMPILE_WARNING_AS_ERROR OFF)
target_link_libraries(quickjs PUBLIC m Threads::Threads)
