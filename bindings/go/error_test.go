package netberth

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestErrorsSayWhatTheyAre(t *testing.T) {
	h := open(t)
	_, err := h.Network(background, "no-such")
	fails(t, err, ErrNotFound, "network no-such not found")
	if errors.Is(err, ErrExists) || errors.Is(err, ErrClosed) {
		t.Errorf("%v is everything", err)
	}
	var failed *Error
	if !errors.As(err, &failed) {
		t.Fatalf("%T", err)
	}
	equal(t, failed, &Error{Kind: ErrNotFound, Message: "network no-such not found"})
	var kind error = failed.Kind
	equal(t, kind.Error(), "netberth: not_found")
	fails(t, h.DeleteNetwork(background, "bridge"), ErrDenied, "predefined")
	must(h.CreateNetwork(background, NetworkRequest{Name: "once"}))(t)
	_, err = h.CreateNetwork(background, NetworkRequest{Name: "once"})
	fails(t, err, ErrExists, "once")
	_, err = h.Network(background, "once", Verbose|64)
	fails(t, err, ErrInvalid, "0x40")
}

func TestAnErrnoIsUnwrapped(t *testing.T) {
	err := error(&Error{Kind: ErrDenied, Errno: syscall.EPERM, Message: "no"})
	if !errors.Is(err, syscall.EPERM) || !errors.Is(err, fs.ErrPermission) {
		t.Error("the number is lost")
	}
	if errors.Unwrap(&Error{Kind: ErrDenied}) != nil {
		t.Error("no number is one")
	}
}

func TestTextThatWouldChangeIsRefused(t *testing.T) {
	h := open(t)
	_, err := h.Network(background, "bridge\x00x")
	fails(t, err, ErrInvalid, "network \"bridge\\x00x\" has a NUL")
	_, err = h.Network(background, "\xff")
	fails(t, err, ErrInvalid, "UTF-8")
	_, err = h.CreateNetwork(background, NetworkRequest{Name: "a\xffb"})
	fails(t, err, ErrInvalid, "UTF-8")
	_, err = h.CreateNetwork(background, NetworkRequest{Name: "a\x00b"})
	fails(t, err, ErrInvalid, "")
	_, err = Open(background, Config{StateDir: "/nowhere\xff"})
	fails(t, err, ErrInvalid, "UTF-8")
	// This is the text of the escape, and the character itself: both can be said.
	for _, name := range []string{`\ufffd`, `\\ufffd`, "\ufffd", `<>&"'`} {
		id := must(h.CreateNetwork(background, NetworkRequest{Name: name}))(t)
		equal(t, must(h.Network(background, id))(t).Name, name)
		equal(t, must(h.Network(background, name))(t).ID, id)
	}
}

// The header, and what is made of it here.
func sources(t *testing.T) (header, code string) {
	t.Helper()
	text := must(os.ReadFile("../../include/netberth.h"))(t)
	for _, file := range must(filepath.Glob("*.go"))(t) {
		if !strings.HasSuffix(file, "_test.go") {
			code += string(must(os.ReadFile(file))(t))
		}
	}
	return string(text), code
}

func TestEveryKindOfTheHeaderIsHere(t *testing.T) {
	header, _ := sources(t)
	kinds := regexp.MustCompile(`(?m)^#define NETBERTH_KIND_(\w+) (-\d+)$`)
	found := kinds.FindAllStringSubmatch(header, -1)
	equal(t, len(found), len(kindWords))
	for _, define := range found {
		number := must(strconv.Atoi(define[2]))(t)
		equal(t, Kind(number).String(), strings.ToLower(define[1]))
	}
	equal(t, Kind(-99).String(), "kind -99")
}

func TestEveryFunctionAndConstantOfTheHeaderIsUsed(t *testing.T) {
	header, code := sources(t)
	names := regexp.MustCompile(`(?m)^#define (NETBERTH_\w+) .|\b(netberth_\w+)\(netberth|\b(netberth_\w+)\(void\)`)
	found := names.FindAllStringSubmatch(header, -1)
	if len(found) < 50 {
		t.Fatalf("%d names are not all of the header", len(found))
	}
	for _, match := range found {
		name := match[1] + match[2] + match[3]
		parts := strings.HasPrefix(name, "NETBERTH_VERSION_")
		if !parts && !regexp.MustCompile(`\b`+name+`\b`).MatchString(code) {
			t.Errorf("%s is not used", name)
		}
	}
}
