package blob_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// Without credentials anywhere the error says which to set, and not what the last place
// was that the SDK looked at. It is no failure that goes by itself.
func TestWithoutCredentials(t *testing.T) {
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	client, err := blob.NewClient(t.Context(), blob.ClientOptions{Region: "eu-west-1", Endpoint: "http://127.0.0.1:9"})
	if err != nil {
		t.Fatal(err)
	}
	store := blob.NewS3(client, blob.S3Options{})
	u := blob.URI{Scheme: blob.S3Scheme, Bucket: "bucket", Key: "key"}
	_, stat := store.Stat(t.Context(), u, "")
	_, list := store.List(t.Context(), u.Prefix())
	write := put(t, store, u)
	for call, err := range map[string]error{"stat": stat, "list": list, "write": write} {
		want := "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
		if !errors.Is(err, blob.ErrAccessDenied) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "IMDS") || errors.Is(err, blob.ErrUnavailable) {
			t.Errorf("%s: error is %v, want %q", call, err, want)
		}
	}
}

// put writes an object, and is the error of that.
func put(t *testing.T, store *blob.S3, u blob.URI) error {
	t.Helper()
	upload, err := store.Create(t.Context(), u, blob.CreateOptions{})
	if err != nil {
		return err
	}
	defer upload.Abort()
	if _, err := upload.Write([]byte("x")); err != nil {
		return err
	}
	_, err = upload.Commit(t.Context())
	return err
}
