package test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tensorlambda/tensorlambda/internal/blob"
	"github.com/tensorlambda/tensorlambda/internal/libtensorflow/packed"
	"github.com/tensorlambda/tensorlambda/internal/versitygw"
)

// bucket is the one that every test keeps its objects in, each under keys of its
// own.
const bucket = "models"

// What all tests share. It is set before the first one and not changed after.
var (
	bootstrap string // the program
	library   string // the folder with the packed library
	scratch   string // a folder that goes when the tests end
	store     *versitygw.Server
	client    *s3.Client
)

func TestMain(m *testing.M) {
	if os.Getenv(panicVariable) != "" {
		runPanicking()
		return
	}
	status, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration tests:", err)
		status = 1
	}
	os.Exit(status)
}

func run(m *testing.M) (status int, err error) {
	if err := findProgram(); err != nil {
		return 1, err
	}
	if scratch, err = os.MkdirTemp("", "tensorlambda-test-*"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(scratch)
	ctx := context.Background()
	if store, err = versitygw.Start(ctx, versitygw.Options{Versioning: true, Dir: filepath.Join(scratch, "s3")}); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	defer func() {
		if docker != nil {
			err = errors.Join(err, docker.Close())
		}
	}()
	if err := openStore(ctx); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// findProgram builds the program as a user does, unless BOOTSTRAP names one, and
// looks for the library beside where it is built.
func findProgram() error {
	root, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	library = filepath.Join(root, "build", "layer", "lib")
	if _, err := os.Stat(filepath.Join(library, packed.ManifestName)); err != nil {
		return fmt.Errorf("the packed library: %w; run `make layer`", err)
	}
	if bootstrap = os.Getenv("BOOTSTRAP"); bootstrap != "" {
		bootstrap, err = filepath.Abs(bootstrap)
		return err
	}
	bootstrap = filepath.Join(root, "build", "bootstrap")
	if err := lookAtSources(root); err != nil {
		return err
	}
	return makeBuild(root)
}

// makeBuild is `make build` with settings, each NAME=value.
func makeBuild(root string, settings ...string) error {
	build := exec.Command("make", append([]string{"--no-print-directory", "-C", root, "build"}, settings...)...)
	build.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("make build %s: %w\n%s", strings.Join(settings, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// lookAtSources makes what the program is built of known to go test, which else
// would repeat an old result when only the program has changed.
func lookAtSources(root string) error {
	for _, dir := range []string{"cmd", "internal", "web"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			return err
		}
	}
	return nil
}

func openStore(ctx context.Context) (err error) {
	client, err = blob.NewClient(ctx, blob.ClientOptions{
		Region: versitygw.Region, Endpoint: store.Endpoint(),
		AccessKeyID: store.Root().AccessKeyID, SecretAccessKey: store.Root().SecretAccessKey,
	})
	if err != nil {
		return err
	}
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		return fmt.Errorf("create bucket: %w", err)
	}
	return nil
}
