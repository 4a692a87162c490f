package event

import "strings"

// checkSchema refuses S3 Batch Operations jobs of a version that is not known.
func (e *Event) checkSchema() error {
	if e.Source != S3Batch {
		return nil
	}
	version := e.top.member("invocationSchemaVersion").text()
	if version != "1.0" && version != "2.0" {
		return malformed("S3 Batch Operations event: invocationSchemaVersion %.40q: only 1.0 and 2.0 are understood", version)
	}
	return nil
}

// s3BatchTask reads a task of S3 Batch Operations, whose version 1.0 names the bucket
// by its ARN: https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
//
// Keys are encoded as in the job's manifest. A plus sign is a space, as AWS's own
// samples have it and S3's inventories write it; %20 is one too.
func s3BatchTask(task object) Work {
	bucket := task.member("s3Bucket").text()
	if bucket == "" {
		arn := task.member("s3BucketArn").text() // arn:aws:s3:::bucket
		bucket = arn[strings.LastIndexByte(arn, ':')+1:]
	}
	key, err := formDecoded(task.member("s3Key"))
	if err != nil {
		return Work{Err: malformed("%w", err)}
	}
	return workOn(newObject(Object{Bucket: bucket, Key: key, VersionID: task.member("s3VersionId").text()}))
}
