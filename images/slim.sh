#!/bin/sh
# Remove from an installed environment what no process of either image imports: a third of the operator's environment, a
# quarter of the trainer's. The smoke tests of both images import everything that is used.
#   slim.sh /usr/local/ctrlab
set -eu
cd "$1"/lib/python3.*/site-packages

# Tests of the libraries, and PyTorch's headers and build tools.
find . -type d -name tests -prune -exec rm -rf {} +
rm -rf torch/include torch/share torch/test
if [ -d torch/bin ]; then find torch/bin -type f ! -name torch_shm_manager -exec rm {} +; fi

# Arrow's RPC and cloud file systems: objects are read with boto3. A wheel contains no links, so each version name
# of libarrow_python is a copy; the loader needs the one with the ABI number.
rm -rf pyarrow/include pyarrow/src \
  pyarrow/*arrow_flight* pyarrow/_flight* pyarrow/*arrow_s3* pyarrow/_s3fs* pyarrow/_gcsfs* pyarrow/_azurefs* pyarrow/_hdfs*
find pyarrow -name 'libarrow_python*.so' -exec rm {} +
find pyarrow -name 'libarrow_python*.so.*.*' -exec rm {} +

# A second client of the API server, for asyncio.
rm -rf kubernetes/aio

# Time series and example data sets: only tests, powers and proportions of statsmodels are used.
rm -rf statsmodels/datasets statsmodels/tsa

# Descriptions of other Amazon services; sts and sso are for credentials.
if [ -d botocore/data ]; then
  find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name 'sso*' ! -name signin -exec rm -rf {} +
fi
