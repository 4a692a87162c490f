package main

import (
	"context"
	"fmt"

	"github.com/tensorlambda/tensorlambda/internal/blob"
)

// openStores opens the stores of the model and of the others: the files of this
// machine, and S3 where one of them is there. They share one client. It opens no
// connection; any error is a fault of the settings.
func openStores(ctx context.Context, cfg config, others ...blob.URI) (blob.Stores, error) {
	model, err := blob.ParseURI(cfg.ModelURI)
	if err != nil {
		return blob.Stores{}, fmt.Errorf("MODEL_URI: %w", err)
	}
	stores := blob.Stores{Files: &blob.Files{}}
	for _, u := range append(others, model) {
		if u.Scheme != blob.S3Scheme {
			continue
		}
		client, err := blob.NewClient(ctx, blob.ClientOptions{Endpoint: cfg.S3Endpoint, Calls: cfg.Calls})
		if err != nil {
			return blob.Stores{}, err
		}
		if client.Options().Region == "" {
			return blob.Stores{}, fmt.Errorf("AWS_REGION: not set: it says in which region the bucket of %s is", u)
		}
		stores.S3 = blob.NewS3(client, blob.S3Options{})
		break
	}
	return stores, nil
}
