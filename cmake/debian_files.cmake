# Run by cpack before it packs a .deb: what Debian wants beyond an installation.
set(root ${CPACK_TEMPORARY_DIRECTORY}/usr/share)
set(doc ${root}/doc/tianyan)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)

# Debian has the text of the GPL itself.
file(READ ${doc}/LICENSE.exception exception)
string(REGEX REPLACE "The text of version 3 is in the file LICENSE." "" exception "${exception}")
string(REGEX REPLACE "\n\n" "\n.\n" exception "${exception}")
string(REGEX REPLACE "\n" "\n " exception "${exception}")
string(STRIP "${exception}" exception)
file(WRITE ${doc}/copyright "\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: tianyan
Upstream-Contact: ${CPACK_PACKAGE_CONTACT}

Files: *
Copyright: Tianyan maintainers
License: GPL-3+ with CUDA exception
 ${exception}
 .
 On Debian systems the text of the GNU General Public License, version 3, is
 in /usr/share/common-licenses/GPL-3.

Files: web/dist/*
Copyright: 2015-2026 Oli Folkerd
License: Expat
 The page that reports runs contains Tabulator. Permission is hereby granted,
 free of charge, to any person obtaining a copy of this software and
 associated documentation files (the \"Software\"), to deal in the Software
 without restriction, including without limitation the rights to use, copy,
 modify, merge, publish, distribute, sublicense, and/or sell copies of the
 Software, and to permit persons to whom the Software is furnished to do so,
 subject to the following conditions:
 .
 The above copyright notice and this permission notice shall be included in
 all copies or substantial portions of the Software.
 .
 THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
 IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
 FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
 AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
 LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
 OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
 SOFTWARE.
")
file(REMOVE ${doc}/LICENSE ${doc}/LICENSE.exception)

file(WRITE ${doc}/changelog "\
tianyan (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * What has changed is in /usr/share/doc/tianyan/CHANGELOG.md.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
file(GLOB pages ${root}/man/man1/*.1)
execute_process(COMMAND gzip -9nf ${doc}/changelog ${pages} COMMAND_ERROR_IS_FATAL ANY)

# The package is the same whatever the umask of who packs it.
set(read_all OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
set(enter_all ${read_all} OWNER_EXECUTE GROUP_EXECUTE WORLD_EXECUTE)
file(CHMOD_RECURSE ${root} FILE_PERMISSIONS ${read_all} DIRECTORY_PERMISSIONS ${enter_all})
file(CHMOD ${CPACK_TEMPORARY_DIRECTORY}/usr ${CPACK_TEMPORARY_DIRECTORY}/usr/bin PERMISSIONS ${enter_all})
