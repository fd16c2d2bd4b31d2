"""libdepot as another program uses it: installed, found by pkg-config and by CMake, linked, run."""
import json
import os
import re
import shutil
import struct
import subprocess

import depot_test
from depot_test import BUILD, SOURCE, SANITIZER, TestCase, unique

depot_test.need("DEPOT_TEST_AMD64")
EXAMPLE = os.path.join(SOURCE, "examples", "follow")


def run(*argv, **kw):
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **kw)
    if p.returncode:
        raise AssertionError("%s\nexit %d\n%s" % (" ".join(argv), p.returncode, p.stdout))
    return p.stdout


class Library(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prefix = cls.home.path("prefix")
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.lib = os.path.dirname(next(os.path.join(d, "libdepot.a") for d, _, names in os.walk(cls.prefix)
                                       if "libdepot.a" in names))
        # A library with sanitizers wants programs that have them.
        sanitized = "__asan_init" in run("nm", "-D", os.path.join(cls.lib, "libdepot.so"))
        cls.cflags = "-Wall -Wextra -Wpedantic -Werror" + (" -g -fsanitize=address,undefined" if sanitized else "")
        cls.env = dict(cls.home.env, PKG_CONFIG_PATH=os.path.join(cls.lib, "pkgconfig"), CFLAGS=cls.cflags,
                       LD_LIBRARY_PATH=cls.lib)
        cls.example = cls.home.path("follow")
        shutil.copytree(EXAMPLE, cls.example)
        run("make", "-C", cls.example, env=cls.env)

    def follow(self, build, program=None):
        argv = [program or os.path.join(self.example, "follow"), build]
        p = subprocess.run(argv, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
        result = depot_test.Result(argv, p.returncode, p.stdout, p.stderr)
        self.assertNotRegex(result.text, SANITIZER, str(result))
        return result

    def made(self, command):
        """The id of a build that has ended, with one step that runs `command`."""
        self.build("-q", self.context("RUN %s # %s\n" % (command, unique())))
        return self.home.builds()[0]["id"]

    def test_the_example_links_the_shared_library(self):
        needed = run("objdump", "-p", os.path.join(self.example, "follow"))
        self.assertRegex(needed, r"NEEDED +libdepot\.so\.\d")
        self.assertNotRegex(needed, r"NEEDED +lib(uv|json-c|nghttp2|protobuf-c|ssl)")

    def test_what_is_opened_late_is_told_to_packagers(self):
        for name in (os.path.join(self.lib, "libdepot.so"), depot_test.DEPOT, depot_test.DEPOTD):
            note = self.home.path("note")
            run("objcopy", "-O", "binary", "--only-section=.note.dlopen", name, note)
            name_size, text_size, kind = struct.unpack_from("<3I", self.read(note))
            self.assertEqual((name_size, kind, self.read(note)[12:16]), (4, 0x407c0c0a, b"FDO\0"))
            told = json.loads(self.read(note)[16:16 + text_size].rstrip(b"\0"))
            self.assertIn("libcurl.so.4", told[0]["soname"])
            self.assertNotIn("libcurl", run("objdump", "-p", name))

    def test_it_follows_a_build_while_it_runs(self):
        name = unique()
        build = self.home.start("build", "--detach", self.context("RUN sleep 2; echo it was %s\n" % name))
        build.wait()
        r = self.good(self.follow(self.home.builds()[0]["id"]))
        self.assertIn("it was " + name, r.stdout)
        self.assertRegex(r.stdout, r"ran [2-9]\.\ds \[")
        self.assertRegex(r.stdout, r"succeeded: \d+ of \d+ steps from the cache\n$")

    def test_a_build_that_failed(self):
        r = self.bad(self.follow(self.made("exit 3")), 1)
        self.assertIn("failed: ", r.stdout)

    def test_a_build_that_there_is_not(self):
        self.bad(self.follow("nosuchbuild"), 1, "follow: .*nosuchbuild")

    def test_linked_statically(self):
        flags = run("pkg-config", "--cflags", "--libs", "--static", "depot", env=self.env).split()
        flags = [os.path.join(self.lib, "libdepot.a") if f == "-ldepot" else f for f in flags]
        program = self.home.path("follow-static")
        run("cc", *self.cflags.split(), "-o", program, os.path.join(EXAMPLE, "follow.c"), *flags)
        self.assertNotIn("libdepot.so", run("objdump", "-p", program))
        self.assertIn("succeeded", self.good(self.follow(self.made("echo it runs"), program)).stdout)

    def test_found_by_cmake(self):
        tree = self.tmp()
        self.write(os.path.join(tree, "CMakeLists.txt"), """cmake_minimum_required(VERSION 3.25)
project(follow C)
find_package(depot 0.1 REQUIRED)
add_executable(follow %s/follow.c)
target_link_libraries(follow PRIVATE depot::depot)
""" % EXAMPLE)
        env = dict(self.env)
        del env["PKG_CONFIG_PATH"]
        run("cmake", "-S", tree, "-B", tree + "/build", "-DCMAKE_PREFIX_PATH=" + self.prefix, env=env)
        run("cmake", "--build", tree + "/build", env=env)
        self.bad(self.follow("nosuchbuild", tree + "/build/follow"), 1, "follow: .*nosuchbuild")

    def test_headers_that_are_installed_need_no_other(self):
        include = os.path.join(self.prefix, "include")
        for name in sorted(os.listdir(os.path.join(include, "depot"))):
            source = self.home.path("header.c")
            self.write(source, "#include <depot/%s>\nextern int not_empty;\n" % name)
            run("cc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I" + include, "-fsyntax-only", source)

    def test_the_tree_may_be_moved(self):
        pc = self.read(self.lib, "pkgconfig", "depot.pc").decode()
        self.assertNotIn(self.prefix, pc)
        moved = self.home.path("moved")
        shutil.copytree(self.prefix, moved, symlinks=True)
        env = dict(self.env, PKG_CONFIG_PATH=self.env["PKG_CONFIG_PATH"].replace(self.prefix, moved))
        self.assertTrue(re.search(r"-I(\S+)", run("pkg-config", "--cflags", "depot", env=env)).group(1).startswith(moved))


if __name__ == "__main__":
    depot_test.main()
